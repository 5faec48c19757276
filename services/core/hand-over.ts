import { type BackoffConfig, backoffMs } from './backoff.ts';

export interface HandOverInit<T> {
  /** Items between the oldest that is not done and the newest, at most; looked at whenever room is asked for. */
  readonly window: number;
  /** The position of the first item that is to come. */
  readonly mark: number;
  readonly retry: BackoffConfig;
  readonly random: () => number;
  handle(item: T): Promise<void>;
  /** Told once for each time that `handle` rejects. */
  failed(error: unknown): void;
  /** The mark has moved. */
  moved(): void;
}

const always = (): boolean => true;

interface Slot {
  readonly position: number;
  done: boolean;
}

/**
 * Hands the items of an ordered log to a handler that may take its time with each: up to a window of them are under way
 * at once, and the mark says below which position all are done, which is where to go on after a restart. What the
 * handler rejects is handed over again after a pause, for as long as it takes.
 */
export class HandOver<T> {
  readonly #init: HandOverInit<T>;
  /** From the oldest that is not done; the used half in front is cut off now and then. */
  #slots: Slot[] = [];
  #head = 0;
  #mark: number;
  #next: number;
  #paused = false;
  #stopped = false;
  readonly #retries = new Set<NodeJS.Timeout>();
  #changed = Promise.withResolvers<void>();

  constructor(init: HandOverInit<T>) {
    this.#init = init;
    this.#mark = init.mark;
    this.#next = init.mark;
  }

  /** All items below this position are done. */
  get mark(): number {
    return this.#mark;
  }

  /** The position after the newest item. */
  get next(): number {
    return this.#next;
  }

  /** Items between the oldest that is not done and the newest. */
  get size(): number {
    return this.#slots.length - this.#head;
  }

  /**
   * Waits until another item may be given; false when none will be, or when nobody has one any more: `wanted` is asked
   * whenever something has changed.
   */
  async room(wanted: () => boolean = always): Promise<boolean> {
    const given = (): boolean => !this.#stopped && wanted();
    while (given() && (this.#paused || this.size >= this.#init.window)) await this.#changed.promise;
    return given();
  }

  /** The window may have grown: whoever waits for room looks again. */
  lookAgain(): void {
    this.#wake();
  }

  /** Hands an item over. Positions rise; there may be gaps between them. */
  give(position: number, item: T): void {
    const slot: Slot = { position, done: false };
    this.#slots.push(slot);
    this.#next = position + 1;
    this.#attempt(slot, item, 0);
  }

  /** There are no items below this position any more. */
  skipTo(position: number): void {
    if (this.size === 0) {
      this.#mark = position;
      this.#next = position;
      this.#init.moved();
      return;
    }
    this.#slots.push({ position: position - 1, done: true });
    this.#next = position;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#wake();
  }

  /** Resolves when all that was given is done, or when it was stopped. */
  async idle(): Promise<void> {
    while (!this.#stopped && this.size > 0) await this.#changed.promise;
  }

  /** The mark stays where it is; whatever is under way is no longer waited for. */
  stop(): void {
    this.#stopped = true;
    for (const timer of this.#retries) clearTimeout(timer);
    this.#retries.clear();
    this.#wake();
  }

  #attempt(slot: Slot, item: T, attempt: number): void {
    const { handle, failed, retry, random } = this.#init;
    // Called in a turn of its own, so that one that throws at once rejects like any other.
    Promise.resolve(item)
      .then(handle)
      .then(
        () => this.#done(slot),
        (error) => {
          if (this.#stopped) return;
          failed(error);
          const again = (): void => {
            this.#retries.delete(timer);
            this.#attempt(slot, item, attempt + 1);
          };
          const timer = setTimeout(again, backoffMs(attempt, retry, random));
          this.#retries.add(timer);
        },
      );
  }

  #done(slot: Slot): void {
    if (this.#stopped) return;
    slot.done = true;
    const before = this.#head;
    for (let oldest = this.#slots[this.#head]; oldest?.done; oldest = this.#slots[this.#head]) {
      this.#mark = oldest.position + 1;
      this.#head += 1;
    }
    if (this.#head === before) return;
    if (this.#head > 64 && this.#head * 2 > this.#slots.length) {
      this.#slots.splice(0, this.#head);
      this.#head = 0;
    }
    this.#init.moved();
    this.#wake();
  }

  #wake(): void {
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers();
    resolve();
  }
}
