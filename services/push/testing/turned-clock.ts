import type { Clock } from '../../core/clock.ts';

/** The machine's time, and what a test has added to it. */
export class TurnedClock implements Clock {
  aheadMs = 0;

  wallMs(): number {
    return Date.now() + this.aheadMs;
  }

  monotonicMs(): number {
    return performance.now() + this.aheadMs;
  }
}
