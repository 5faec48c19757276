import type { ClientClock } from './clock.ts';

/**
 * One timer for all deadlines of a client. Each part says when it is due next; the alarm rings at the earliest, and
 * whoever answers it asks every part again.
 */
export class Alarm {
  readonly #clock: ClientClock;
  readonly #ring: () => void;
  #dueMs = Number.POSITIVE_INFINITY;
  #cancel: (() => void) | undefined;

  constructor(options: { clock: ClientClock; ring: () => void }) {
    this.#clock = options.clock;
    this.#ring = options.ring;
  }

  /** Rings at dueMs (monotonic) at the latest. Cheap when it is set for earlier already. */
  by(dueMs: number): void {
    if (dueMs >= this.#dueMs) return;
    this.#cancel?.();
    this.#dueMs = dueMs;
    this.#cancel = this.#clock.after(Math.max(0, dueMs - this.#clock.monotonicMs()), () => {
      this.#dueMs = Number.POSITIVE_INFINITY;
      this.#cancel = undefined;
      this.#ring();
    });
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#dueMs = Number.POSITIVE_INFINITY;
  }
}
