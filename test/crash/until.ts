/** Resolves when something holds; rejects, with what it looks like then, when it doesn't hold in time. */
export async function until(holds: () => boolean, withinMs: number, look: () => string): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${look()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
