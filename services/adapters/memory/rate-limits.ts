import type { Clock } from '../../core/clock.ts';
import { GenerationCache } from '../../core/generation-cache.ts';
import type { RateLimit, RateLimits } from '../../ports/directory.ts';

/** Keys whose pace is remembered; those that were not seen for longest are forgotten. */
const remembered = 100_000;

/** The generic cell rate algorithm: for each key, when the next one would be due if all came evenly. */
export class MemoryRateLimits implements RateLimits {
  readonly #clock: Clock;
  readonly #dueAtMs = new GenerationCache<string, number>(remembered / 2);

  constructor({ clock }: { readonly clock: Clock }) {
    this.#clock = clock;
  }

  async take({ name, perSecond, burst }: RateLimit, key: string): Promise<number> {
    const cell = `${name} ${key}`;
    const nowMs = this.#clock.monotonicMs();
    const intervalMs = 1_000 / perSecond;
    const dueAtMs = Math.max(nowMs, this.#dueAtMs.get(cell) ?? nowMs);
    const waitMs = dueAtMs + intervalMs - Math.max(1, burst) * intervalMs - nowMs;
    // What floating point rounds away is no reason to refuse.
    if (waitMs > 1e-6) return Math.ceil(waitMs);
    this.#dueAtMs.set(cell, dueAtMs + intervalMs);
    return 0;
  }
}
