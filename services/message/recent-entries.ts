import { appended } from '../core/appended.ts';
import type { MsgId, Seq } from '../core/ids.ts';
import type { StoredEntry } from '../ports/message-store.ts';

/** Never added to: `appended` makes a list of one in its place. */
const none: StoredEntry[] = [];

/** The contiguous newest entries of a hot conversation: as many as `trim` leaves. */
export class RecentEntries {
  #entries: StoredEntry[] = none;
  /** Bytes held, roughly. */
  bytes = 0;

  get size(): number {
    return this.#entries.length;
  }

  /** 0 when there is none. */
  get firstSeq(): Seq {
    return this.#entries[0]?.seq ?? 0;
  }

  get lastSeq(): Seq {
    return this.#entries.at(-1)?.seq ?? 0;
  }

  get msgIds(): readonly MsgId[] {
    return this.#entries.map(({ msgId }) => msgId);
  }

  /** Appends the entry after the last one; anything else starts anew. */
  push(entry: StoredEntry): void {
    if (this.lastSeq !== 0 && entry.seq !== this.lastSeq + 1) this.clear();
    this.#entries = appended(this.#entries, entry);
    this.bytes += weight(entry);
  }

  /** Puts a changed entry in place of the one with its seq. */
  replace(entry: StoredEntry): void {
    const index = entry.seq - this.firstSeq;
    const old = this.#entries[index];
    if (old === undefined || old.seq !== entry.seq) return;
    this.#entries[index] = entry;
    this.bytes += weight(entry) - weight(old);
  }

  get(seq: Seq): StoredEntry | undefined {
    const entry = this.#entries[seq - this.firstSeq];
    return entry?.seq === seq ? entry : undefined;
  }

  /** All entries from … to (inclusive), or undefined when one of them isn't here. */
  range(from: Seq, to: Seq): readonly StoredEntry[] | undefined {
    if (this.#entries.length === 0 || from < this.firstSeq || to > this.lastSeq) return undefined;
    return this.#entries.slice(from - this.firstSeq, to - this.firstSeq + 1);
  }

  /** Keeps the newest ones alone. */
  trim(newest: number): void {
    if (this.#entries.length <= newest) return;
    this.#entries = newest === 0 ? none : this.#entries.slice(-newest);
    this.bytes = this.#entries.reduce((sum, entry) => sum + weight(entry), 0);
  }

  clear(): void {
    this.#entries = none;
    this.bytes = 0;
  }
}

function weight(entry: StoredEntry): number {
  return entry.content.length + 200;
}
