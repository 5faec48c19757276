/**
 * A Map that needs no table for up to two entries: 64 bytes instead of some 250, which is what a hundred thousand
 * direct conversations have of each kind. Beyond two it is a Map. Iterates in the order of insertion, as a Map does; what
 * is taken out meanwhile is passed over, and what comes as the third may be.
 */
export class PairMap<K extends string, V> {
  #firstKey: K | undefined;
  #first: V | undefined;
  #secondKey: K | undefined;
  #second: V | undefined;
  /** All of them, from the third on. */
  #table: Map<K, V> | undefined;

  static of<K extends string, V>(entries: Iterable<readonly [K, V]>): PairMap<K, V> {
    const made = new PairMap<K, V>();
    for (const [key, value] of entries) made.set(key, value);
    return made;
  }

  get size(): number {
    if (this.#table !== undefined) return this.#table.size;
    return (this.#firstKey === undefined ? 0 : 1) + (this.#secondKey === undefined ? 0 : 1);
  }

  get(key: K): V | undefined {
    if (key === this.#firstKey) return this.#first;
    if (key === this.#secondKey) return this.#second;
    return this.#table?.get(key);
  }

  has(key: K): boolean {
    return key === this.#firstKey || key === this.#secondKey || this.#table?.has(key) === true;
  }

  set(key: K, value: V): void {
    if (this.#table !== undefined) this.#table.set(key, value);
    else if (this.#firstKey === undefined || key === this.#firstKey) {
      this.#firstKey = key;
      this.#first = value;
    } else if (this.#secondKey === undefined || key === this.#secondKey) {
      this.#secondKey = key;
      this.#second = value;
    } else {
      this.#table = new Map([...this, [key, value]]);
      this.#firstKey = this.#first = this.#secondKey = this.#second = undefined;
    }
  }

  delete(key: K): boolean {
    if (this.#table !== undefined) return this.#table.delete(key);
    if (key === this.#firstKey) {
      // The second one moves up: the next one to come is the last.
      this.#firstKey = this.#secondKey;
      this.#first = this.#second;
    } else if (key !== this.#secondKey) return false;
    this.#secondKey = this.#second = undefined;
    return true;
  }

  keys(): Iterable<K> {
    return this.#table?.keys() ?? this.#pairKeys();
  }

  *values(): Iterable<V> {
    for (const key of this.keys()) yield this.get(key) as V;
  }

  *[Symbol.iterator](): Iterator<readonly [K, V]> {
    for (const key of this.keys()) yield [key, this.get(key) as V];
  }

  *#pairKeys(): Iterable<K> {
    const [first, second] = [this.#firstKey, this.#secondKey];
    if (first !== undefined) yield first;
    // Whoever looks at the first one may take out both.
    if (second !== undefined && this.has(second)) yield second;
  }
}

/** The same for a Set; its members are its keys. */
export class PairSet<K extends string> extends PairMap<K, true> {
  add(key: K): void {
    this.set(key, true);
  }
}
