/** Slots at most; their numbers are below it, generations above. */
const span = 2 ** 20;

/**
 * What is under way, each under a number that is never given twice.
 *
 * Not a Map: one in which everything is soon deleted rebuilds its table all the time, and each table that V8 has moved
 * to its old generation keeps the next one, with all that was in it, until the next full collection. Slots are used
 * again instead, so that what is finished is garbage at once.
 */
export class Slots<T> {
  readonly #items: (T | undefined)[] = [];
  /** The number that each slot's item has, or that its next one will have. */
  readonly #numbers: number[] = [];
  readonly #free: number[] = [];

  get full(): boolean {
    return this.size === span;
  }

  get size(): number {
    return this.#items.length - this.#free.length;
  }

  /** The item's number: a safe integer from 1. Throws a RangeError when they are full: at 2^20 items. */
  add(item: T): number {
    const free = this.#free.pop();
    if (free !== undefined) {
      this.#items[free] = item;
      return this.#numbers[free] as number;
    }
    const index = this.#items.length;
    if (index === span) throw new RangeError('too much under way');
    this.#items.push(item);
    this.#numbers.push(span + index);
    return span + index;
  }

  get(number: number): T | undefined {
    const index = number % span;
    return this.#numbers[index] === number ? this.#items[index] : undefined;
  }

  /** Removes an item. */
  take(number: number): T | undefined {
    const item = this.get(number);
    if (item === undefined) return undefined;
    const index = number % span;
    this.#items[index] = undefined;
    this.#numbers[index] = number + span;
    this.#free.push(index);
    return item;
  }

  /** All items with their numbers; what is taken meanwhile is left out. */
  *[Symbol.iterator](): Iterator<readonly [number, T]> {
    for (let index = 0; index < this.#items.length; index++) {
      const item = this.#items[index];
      if (item !== undefined) yield [this.#numbers[index] as number, item];
    }
  }
}
