import { type BackoffConfig, backoffMs } from '../core/backoff.ts';

/**
 * Milliseconds that a Retry-After header asks to wait: seconds or a date. Undefined where there is none, or one that
 * can't be read.
 */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1_000;
  // Dates begin with the day's name; Date.parse alone would take "-1" for a year.
  const at = /^[A-Z][a-z]{2},? /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}

/**
 * How long to wait before retry number `attempt` (0 is the first): as the backoff has it, or longer if the receiver asks
 * for it, but never longer than the longest wait of the backoff.
 */
export function retryWaitMs(
  attempt: number,
  retryAfter: string | undefined,
  nowMs: number,
  bounds: BackoffConfig,
  random: () => number,
): number {
  const asked = Math.min(retryAfterMs(retryAfter, nowMs) ?? 0, bounds.maxMs);
  return Math.max(backoffMs(attempt, bounds, random), asked);
}
