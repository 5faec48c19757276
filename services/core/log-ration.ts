import type { Clock } from './clock.ts';
import { TokenBucket } from './token-bucket.ts';

/** At once, and a second in the long run. */
const burst = 20;
const perSecond = 1;

/**
 * What strangers can cause as often as they like gets so many lines: twenty at once, and one a second after that. The rest
 * is counted, and the next line says how much was left out.
 */
export class LogRation {
  readonly #clock: Clock;
  readonly #bucket: TokenBucket;
  #leftOut = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#bucket = new TokenBucket(perSecond, burst, clock.monotonicMs());
  }

  /** For each occasion: how many were left out since the last line, where there is to be one now; else undefined. */
  take(): number | undefined {
    if (this.#bucket.take(this.#clock.monotonicMs()) > 0) {
      this.#leftOut += 1;
      return undefined;
    }
    const leftOut = this.#leftOut;
    this.#leftOut = 0;
    return leftOut;
  }
}
