/** A key that is counted. */
export interface HeavyHitter<K> {
  readonly key: K;
  /** Never too low. */
  readonly count: number;
  /** How much too high `count` may be. */
  readonly error: number;
}

interface Counted<K> {
  readonly key: K;
  count: number;
  error: number;
  /** Its place in the heap. */
  at: number;
}

/**
 * The keys that are counted most, in bounded memory: Space-Saving (Metwally, Agrawal, El Abbadi, "Efficient computation of
 * frequent and top-k elements in data streams", ICDT 2005). A key that has no place takes that of the one with the lowest
 * count, and inherits it as its error: so each key with more than 1/capacity of all counts has a place. The lowest one
 * stands at the top of a heap.
 */
export class HeavyHitters<K> {
  readonly #capacity: number;
  readonly #byKey = new Map<K, Counted<K>>();
  readonly #heap: Counted<K>[] = [];
  #total = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Of all keys, those without a place included. */
  get total(): number {
    return this.#total;
  }

  /** What a key that has no place may have been counted, at most. */
  get floor(): number {
    return this.#heap.length < this.#capacity ? 0 : (this.#heap[0] as Counted<K>).count;
  }

  add(key: K, count: number): void {
    this.#total += count;
    const known = this.#byKey.get(key);
    if (known !== undefined) {
      known.count += count;
      this.#sink(known);
      return;
    }
    if (this.#heap.length < this.#capacity) {
      const fresh = { key, count, error: 0, at: this.#heap.length };
      this.#byKey.set(key, fresh);
      this.#heap.push(fresh);
      this.#rise(fresh);
      return;
    }
    const lowest = this.#heap[0] as Counted<K>;
    this.#byKey.delete(lowest.key);
    const heir = { key, count: lowest.count + count, error: lowest.count, at: 0 };
    this.#byKey.set(key, heir);
    this.#heap[0] = heir;
    this.#sink(heir);
  }

  /** In no particular order. */
  values(): Iterable<HeavyHitter<K>> {
    return this.#byKey.values();
  }

  #rise(counted: Counted<K>): void {
    for (let at = counted.at; at > 0; ) {
      const up = (at - 1) >> 1;
      const parent = this.#heap[up] as Counted<K>;
      if (parent.count <= counted.count) return;
      this.#put(parent, at);
      this.#put(counted, up);
      at = up;
    }
  }

  #sink(counted: Counted<K>): void {
    for (let at = counted.at; ; ) {
      const left = this.#heap[2 * at + 1];
      const right = this.#heap[2 * at + 2];
      const lower = right !== undefined && left !== undefined && right.count < left.count ? right : left;
      if (lower === undefined || lower.count >= counted.count) return;
      const down = lower.at;
      this.#put(lower, at);
      this.#put(counted, down);
      at = down;
    }
  }

  #put(counted: Counted<K>, at: number): void {
    this.#heap[at] = counted;
    counted.at = at;
  }
}
