import type { Clock } from './clock.ts';

export interface StallWatchParts {
  readonly clock: Clock;
  /** A process that did nothing for longer than this has stalled, in milliseconds. */
  readonly limitMs: number;
  /** Told once after each stall, and before anything counts as done in time again. */
  readonly stalled: () => void;
}

/** How many looks fit into the limit. */
const looks = 8;

/**
 * Notices when this process has hung: stopped, swapped out, or kept busy for too long. Others have given it up by then,
 * and what it had in hand was perhaps done by them.
 */
export class StallWatch {
  readonly #parts: StallWatchParts;
  #seenAtMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: StallWatchParts) {
    this.#parts = parts;
    this.#seenAtMs = parts.clock.monotonicMs();
  }

  /** Whether it has hung, and that has not been dealt with yet. */
  get stalled(): boolean {
    return this.#parts.clock.monotonicMs() - this.#seenAtMs > this.#parts.limitMs;
  }

  start(): void {
    this.#seenAtMs = this.#parts.clock.monotonicMs();
    this.#timer = setInterval(() => this.look(), this.#parts.limitMs / looks);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  look(): void {
    const { stalled } = this;
    if (stalled) this.#parts.stalled();
    this.#seenAtMs = this.#parts.clock.monotonicMs();
  }
}
