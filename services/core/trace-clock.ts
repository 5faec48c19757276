import { performance } from 'node:perf_hooks';

/** Where a monotonic clock and the wall's drift apart, or the wall's is set, they are joined anew after this time. */
const joinEveryMs = 10_000;
let joinedAtMs = Number.NEGATIVE_INFINITY;
let offsetMs = 0;

/**
 * Milliseconds since 1970 with a fraction, for when spans begin and end: as fine as the monotonic clock, and as right as
 * the machine's.
 */
export function traceNowMs(): number {
  const monotonicMs = performance.now();
  if (monotonicMs - joinedAtMs > joinEveryMs) {
    joinedAtMs = monotonicMs;
    offsetMs = Date.now() - monotonicMs;
  }
  return monotonicMs + offsetMs;
}
