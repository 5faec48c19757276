import type { LogTail } from './conversation-log.ts';
import { type HeldItem, lastSeqOf } from './item.ts';

/**
 * How far the user has read, and how many messages are beyond it. Derived from the entries' `ord`, as the server
 * derives it; where the entries in between are not at hand, the server's count holds until they are.
 */
export class ReadMark {
  #seq = 0;
  #ord = 0;
  #headOrd = 0;
  /** The server's count at a head that is not in the log yet. */
  #counted: { readonly headSeq: number; readonly unread: number } | undefined;

  get seq(): number {
    return this.#seq;
  }

  unread(): number {
    return this.#counted?.unread ?? Math.max(0, this.#headOrd - this.#ord);
  }

  /** An item joined the log. */
  pass(item: HeldItem): void {
    this.#headOrd = Math.max(this.#headOrd, item.ord);
    if (lastSeqOf(item) <= this.#seq) this.#ord = Math.max(this.#ord, item.ord);
  }

  /** The server counted so many unread messages up to headSeq; `afresh` when what was read before doesn't count. */
  counted(headSeq: number, unread: number, log: LogTail, afresh: boolean): void {
    if (afresh) this.#ord = 0;
    this.#counted = { headSeq, unread };
    this.resolve(log);
  }

  /** The log has changed: it may have the entry now that a count was about. */
  resolve(log: LogTail): void {
    if (this.#counted === undefined || log.lastSeq < this.#counted.headSeq) return;
    const { headSeq, unread } = this.#counted;
    const at = log.find(headSeq);
    // Where the log begins behind it, the first item is the nearest that is known.
    const ord = at?.ord ?? (log.items[0]?.ord ?? 0) - 1;
    this.#ord = Math.max(this.#ord, ord - unread);
    this.#counted = undefined;
  }

  /** Read up to seq; never goes back. False when the log does not reach back to it, so that the count is too high. */
  advance(seq: number, log: LogTail): boolean {
    if (seq <= this.#seq) return true;
    this.#seq = seq;
    if (this.#counted !== undefined && seq >= this.#counted.headSeq)
      this.#counted = { headSeq: this.#counted.headSeq, unread: 0 };
    if (seq >= log.lastSeq) {
      this.#ord = Math.max(this.#ord, this.#headOrd);
      return true;
    }
    const item = log.find(seq);
    if (item !== undefined) this.#ord = Math.max(this.#ord, item.ord);
    return item !== undefined;
  }

  void(): void {
    this.#seq = 0;
    this.#ord = 0;
    this.#headOrd = 0;
    this.#counted = undefined;
  }
}
