import { LRUCache } from 'lru-cache';
import { addressKey } from '../core/address-key.ts';
import type { Clock } from '../core/clock.ts';
import { Fault } from '../core/fault.ts';
import { TokenBucket } from '../core/token-bucket.ts';

/** Failures at once, and how many a second they become again. */
const burst = 10;
const perSecond = 1 / 6;
const addressesMost = 10_000;

/**
 * Whoever tries tokens on the administration is told of one every six seconds, once an address has failed ten times. Good
 * tokens don't come here, so that nobody is locked out by others behind the same address.
 */
export class AdminGate {
  readonly #clock: Clock;
  readonly #failures = new LRUCache<string, TokenBucket>({ max: addressesMost });

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Throws `rateLimited`. */
  enter(address: string): void {
    const bucket = this.#failures.get(keyOf(address));
    const debtMs = bucket?.debtMs(this.#clock.monotonicMs()) ?? 0;
    if (debtMs > 0)
      throw new Fault('rateLimited', {
        message: 'too many bad tokens from this address',
        retryAfterMs: debtMs,
      });
  }

  failed(address: string): void {
    const nowMs = this.#clock.monotonicMs();
    const key = keyOf(address);
    const bucket = this.#failures.get(key) ?? new TokenBucket(perSecond, burst, nowMs);
    bucket.spend(nowMs, 1);
    this.#failures.set(key, bucket);
  }
}

/** Of this machine all addresses are one. */
function keyOf(address: string): string {
  return addressKey(address) ?? 'this machine';
}
