/**
 * What one stream, session or run holds, let go together: timers, listeners, registrations. Closing runs the releases
 * in reverse order, once; a scope that is closed already releases at once what is put into it, so nothing leaks when an
 * end and a beginning cross.
 *
 * Used instead of AbortSignal.any, which leaves an entry on a long-lived signal for each short-lived one.
 */
export class Scope implements Disposable {
  #releases: Set<() => void> | undefined = new Set();

  get closed(): boolean {
    return this.#releases === undefined;
  }

  /** Runs `release` at close. The function returned takes it out again, unrun. */
  add(release: () => void): () => void {
    if (this.#releases === undefined) {
      release();
      return () => {};
    }
    // Its own closure: the same function may be added twice.
    const entry = () => release();
    this.#releases.add(entry);
    return () => void this.#releases?.delete(entry);
  }

  /** Calls back once, unless the scope closes first. The function returned cancels. */
  timeout(ms: number, callback: () => void): () => void {
    const cancel = () => {
      remove();
      clearTimeout(timer);
    };
    const timer = setTimeout(() => {
      remove();
      callback();
    }, ms);
    const remove = this.add(() => clearTimeout(timer));
    return cancel;
  }

  /** Calls back again and again until the scope closes. Keeps no process alive. */
  interval(ms: number, callback: () => void): void {
    const timer = setInterval(callback, ms);
    timer.unref();
    this.add(() => clearInterval(timer));
  }

  /** Releases everything. Every release runs even if one throws; the first error is thrown at the end. */
  close(): void {
    const releases = this.#releases;
    if (releases === undefined) return;
    this.#releases = undefined;
    const errors: unknown[] = [];
    for (const release of [...releases].reverse()) {
      try {
        release();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
