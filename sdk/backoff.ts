/**
 * How long to wait before attempt n (from 1): doubles up to a limit, spread over the upper four fifths, so that clients
 * which lost the same node do not come back in step. `random` is in [0, 1).
 */
export function backoffMs(
  attempt: number,
  random: number,
  limits: { baseMs: number; maxMs: number },
): number {
  const ceiling = Math.min(limits.maxMs, limits.baseMs * 2 ** Math.min(attempt - 1, 30));
  return ceiling * (0.2 + 0.8 * random);
}
