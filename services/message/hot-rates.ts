import type { Clock } from '../core/clock.ts';
import { HeavyHitters } from '../core/heavy-hitters.ts';
import type { ConvId } from '../core/ids.ts';

/** A conversation and how fast it grows. */
export interface HotRate {
  readonly convId: ConvId;
  /** Entries a second; never too low. */
  readonly perSecond: number;
  /** How much of it may be somebody else's. */
  readonly errorPerSecond: number;
}

const counted = 256;
const windowMs = 10_000;

/**
 * In which conversations most entries are committed: counted in windows of ten seconds, of which the last whole one and
 * the one that runs are told, so that what was hot a minute ago is not hot now. Bounded, whatever the conversations.
 */
export class HotRates {
  readonly #clock: Clock;
  #before = new HeavyHitters<ConvId>(counted);
  #now = new HeavyHitters<ConvId>(counted);
  #beforeAtMs: number;
  #nowAtMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#nowAtMs = clock.monotonicMs();
    this.#beforeAtMs = this.#nowAtMs;
  }

  add(convId: ConvId, entries: number): void {
    this.#turn();
    this.#now.add(convId, entries);
  }

  /** The hottest, the first one most, at most `limit`. */
  top(limit: number): readonly HotRate[] {
    this.#turn();
    // Within the first second nobody can say what a rate is.
    const seconds = Math.max(1, (this.#clock.monotonicMs() - this.#beforeAtMs) / 1_000);
    const windows = [this.#before, this.#now];
    // A window in which a conversation has no place may have counted it, up to the lowest count that has one.
    const floors = windows.reduce((sum, { floor }) => sum + floor, 0);
    const sums = new Map<ConvId, { count: number; error: number }>();
    for (const window of windows)
      for (const { key, count, error } of window.values()) {
        const { count: before, error: errorBefore } = sums.get(key) ?? { count: floors, error: floors };
        sums.set(key, {
          count: before + count - window.floor,
          error: errorBefore + error - window.floor,
        });
      }
    return [...sums]
      .map(([convId, { count, error }]) => ({
        convId,
        perSecond: count / seconds,
        errorPerSecond: error / seconds,
      }))
      .sort((one, other) => other.perSecond - one.perSecond)
      .slice(0, limit);
  }

  #turn(): void {
    const nowMs = this.#clock.monotonicMs();
    const overMs = nowMs - this.#nowAtMs;
    if (overMs < windowMs) return;
    // After a long quiet the window before holds nothing of the last ten seconds.
    const isOld = overMs >= 2 * windowMs;
    this.#before = isOld ? new HeavyHitters(counted) : this.#now;
    this.#beforeAtMs = isOld ? nowMs : this.#nowAtMs;
    this.#now = new HeavyHitters(counted);
    this.#nowAtMs = nowMs;
  }
}
