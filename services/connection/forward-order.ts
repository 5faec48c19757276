import type { Seq } from '../core/ids.ts';

export type Arrival =
  /** It comes next. */
  | 'next'
  /** It was forwarded already. */
  | 'old'
  /** Something before it is missing. */
  | 'early';

/**
 * Brings the entries of one conversation into their order on one edge: what was forwarded is dropped, the next one is
 * forwarded, later ones are held until what is missing has come. An owner's new incarnation may forward again what the
 * one before did; sessions drop what they were given. Pure.
 */
export class ForwardOrder<T extends { readonly seq: Seq }> {
  #incarnation = 0;
  #last: Seq;
  /** The last one that came, held or not. */
  #highest: Seq = 0;
  /** By seq; made on first use. */
  #held: Map<Seq, T> | undefined;
  readonly #maxHeld: number;

  /** `last`: the one before the first that is to come. */
  constructor({ maxHeld, last }: { maxHeld: number; last: Seq }) {
    this.#maxHeld = maxHeld;
    this.#last = last;
  }

  get last(): Seq {
    return this.#last;
  }

  /** The range to fetch; undefined when nothing is missing. */
  get missing(): { readonly from: Seq; readonly to: Seq } | undefined {
    if (this.#highest <= this.#last) return undefined;
    // What came too early and found no room is missing, too.
    const to = this.#holds === 0 ? this.#highest : Math.min(...(this.#held?.keys() ?? [])) - 1;
    return { from: this.#last + 1, to };
  }

  /** An entry that did not come is known to exist: it and what is before it are missing. */
  expect(seq: Seq): void {
    this.#highest = Math.max(this.#highest, seq);
  }

  arrive(incarnation: number, entry: T): Arrival {
    if (incarnation !== this.#incarnation) {
      this.#incarnation = incarnation;
      // The first entry of an incarnation is where its forwarding starts, unless it leaves a hole. What is held stays: it
      // is committed, whoever forwarded it, and while a conversation moves two owners forward by turns.
      if (entry.seq <= this.#last) this.#last = entry.seq - 1;
    }
    if (entry.seq <= this.#last) return 'old';
    if (entry.seq > this.#last + 1) {
      this.#highest = Math.max(this.#highest, entry.seq);
      if (this.#holds < this.#maxHeld) this.#hold(entry);
      return 'early';
    }
    this.#last = entry.seq;
    return 'next';
  }

  /** What is missing up to here is given up: the next one is the one after it. */
  skip(to: Seq): void {
    this.#last = Math.max(this.#last, to);
    for (const seq of this.#held?.keys() ?? []) if (seq <= this.#last) this.#held?.delete(seq);
  }

  /** What is held behind this one is missing again. */
  letGo(behind: Seq): void {
    for (const seq of this.#held?.keys() ?? []) if (seq > behind) this.#held?.delete(seq);
  }

  /** Held entries that come next now. */
  released(): Iterable<T> {
    return this.#holds === 0 ? [] : this.#release();
  }

  get #holds(): number {
    return this.#held?.size ?? 0;
  }

  #hold(entry: T): void {
    this.#held ??= new Map();
    this.#held.set(entry.seq, entry);
  }

  *#release(): Iterable<T> {
    for (;;) {
      const entry = this.#held?.get(this.#last + 1);
      if (entry === undefined) return;
      this.#held?.delete(entry.seq);
      this.#last = entry.seq;
      yield entry;
    }
  }
}
