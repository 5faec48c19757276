import { backoffMs } from './backoff.ts';
import type { ClientClock } from './clock.ts';
import { ChatError } from './types.ts';

const attempts = 4;

/**
 * Calls until it succeeds, is refused for good, or has been tried four times. For calls that are idempotent by a
 * client id, or only read.
 */
export async function withRetries<T>(
  call: () => Promise<T>,
  context: { readonly clock: ClientClock; readonly random: () => number },
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (cause) {
      const refusal = cause instanceof ChatError ? cause : undefined;
      if (refusal === undefined || refusal.retry === 'never' || attempt === attempts) throw cause;
      const delayMs = Math.max(
        refusal.retryAfterMs,
        backoffMs(attempt, context.random(), { baseMs: 400, maxMs: 5_000 }),
      );
      await new Promise<void>((resolve) => void context.clock.after(delayMs, resolve));
    }
  }
}
