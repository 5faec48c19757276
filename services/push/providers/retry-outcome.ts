import { retryAfterMs } from '../retry-after.ts';
import type { PushOutcome } from '../provider.ts';

/** Nobody's word keeps a push for longer than this. */
const longestMs = 3_600_000;

/** To be tried again, not before the time that a Retry-After header asks for, up to an hour. */
export function retryOutcome(
  reason: string,
  header: string | undefined,
  nowMs: number,
): Extract<PushOutcome, { readonly t: 'retry' }> {
  const asked = retryAfterMs(header, nowMs);
  return asked === undefined
    ? { t: 'retry', reason }
    : { t: 'retry', reason, afterMs: Math.min(asked, longestMs) };
}
