import { Fault } from './fault.ts';

/** Lets a few tasks run at once; the others wait their turn, first come, first served. */
export class Turns {
  readonly #atOnce: number;
  readonly #mostWaiting: number;
  readonly #waiting: (() => void)[] = [];
  /** Where the next one that waits stands. */
  #head = 0;
  #running = 0;

  constructor(limits: { readonly atOnce: number; readonly mostWaiting: number }) {
    this.#atOnce = limits.atOnce;
    this.#mostWaiting = limits.mostWaiting;
  }

  get waiting(): number {
    return this.#waiting.length - this.#head;
  }

  /** Rejects with the Fault `overloaded` when too many wait already. */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running < this.#atOnce) this.#running += 1;
    else await this.#turn();
    try {
      return await task();
    } finally {
      this.#next();
    }
  }

  #turn(): Promise<void> {
    if (this.waiting >= this.#mostWaiting)
      throw new Fault('overloaded', { message: 'too many wait for the same', retryAfterMs: 1_000 });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Hands the turn over, or gives it back. */
  #next(): void {
    const next = this.#waiting[this.#head];
    if (next === undefined) {
      this.#running -= 1;
      this.#waiting.length = 0;
      this.#head = 0;
      return;
    }
    this.#head += 1;
    if (this.#head > 1_000 && this.#head * 2 > this.#waiting.length) {
      this.#waiting.splice(0, this.#head);
      this.#head = 0;
    }
    next();
  }
}
