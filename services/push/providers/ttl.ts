/** No push service keeps anything for longer than four weeks. */
const mostSeconds = 28 * 24 * 3_600;

/** Whole seconds that a push service may keep a notice for. */
export function keptSeconds(ttlSeconds: number): number {
  return Math.min(mostSeconds, Math.max(0, Math.floor(ttlSeconds)));
}
