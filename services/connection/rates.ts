import type { Clock } from '../core/clock.ts';
import type { UserId } from '../core/ids.ts';
import { TokenBucket } from '../core/token-bucket.ts';

/** Users whose pace is remembered, at most; the one who came first is forgotten first. */
const maxRemembered = 200_000;

/** How fast users may go: each by one measure for all sessions and calls, which outlives them. */
export class Rates {
  readonly #parts: { readonly clock: Clock; readonly rate: number; readonly burst: number };
  readonly #buckets = new Map<UserId, TokenBucket>();

  constructor(parts: { readonly clock: Clock; readonly rate: number; readonly burst: number }) {
    this.#parts = parts;
  }

  of(userId: UserId): TokenBucket {
    const known = this.#buckets.get(userId);
    if (known !== undefined) return known;
    if (this.#buckets.size >= maxRemembered) {
      const [first] = this.#buckets.keys();
      if (first !== undefined) this.#buckets.delete(first);
    }
    const { rate, burst, clock } = this.#parts;
    const bucket = new TokenBucket(rate, burst, clock.monotonicMs());
    this.#buckets.set(userId, bucket);
    return bucket;
  }
}
