import { type HeldItem, lastSeqOf } from './item.ts';
import type { MessageStatus } from './types.ts';

/** What has to be fetched before the log is complete up to its head. */
export type Want =
  /** Nothing is held: the newest page. */
  { readonly t: 'tail' } | { readonly t: 'range'; readonly fromSeq: number; readonly toSeq: number };

/** Entries that arrived before those in front of them; what is beyond is dropped and fetched in its turn. */
const maxAhead = 1_000;

/**
 * The end of a conversation's log as this device holds it: one run of items without a gap, ascending, as far back as
 * it was loaded. Takes entries in any order and any number of times (live ones, pages of history, sync): repeats are
 * dropped, what lies beyond a gap is kept aside until the gap is filled, and `wanted` says what is missing.
 * Recalls are applied to the messages that they name, whichever of the two comes first.
 */
export class LogTail {
  readonly #self: string;
  #items: HeldItem[] = [];
  #ahead = new Map<number, HeldItem>();
  /** Message's seq → who took it back, for every recall seen. */
  #recalls = new Map<number, string>();
  #headSeq = 0;
  #atStart = false;
  #deliveredSeq = 0;
  #readSeq = 0;
  #shown: readonly HeldItem[] | undefined;

  /** `self` is the user whose messages carry a status. */
  constructor(options: { self: string }) {
    this.#self = options.self;
  }

  /** The items. The same array until something changes. */
  get items(): readonly HeldItem[] {
    this.#shown ??= this.#items.slice();
    return this.#shown;
  }

  get length(): number {
    return this.#items.length;
  }

  /** First seq held; 0 when none is. */
  get firstSeq(): number {
    return this.#items[0]?.seq ?? 0;
  }

  /** Last seq held without a gap; 0 when none is. */
  get lastSeq(): number {
    const last = this.#items[this.#items.length - 1];
    return last === undefined ? 0 : lastSeqOf(last);
  }

  /** Highest seq known to exist. */
  get headSeq(): number {
    return this.#headSeq;
  }

  get last(): HeldItem | undefined {
    return this.#items[this.#items.length - 1];
  }

  /** Whether the server may have something before the first item. */
  get hasOlder(): boolean {
    if (this.#atStart) return false;
    return this.#items.length === 0 ? this.#headSeq > 0 : this.firstSeq > 1;
  }

  /**
   * Takes a run of entries in ascending order: a page, or a single live one. Answers with the items that the log
   * grew by at its end, in order.
   */
  merge(run: readonly HeldItem[]): readonly HeldItem[] {
    const before = this.#items.length;
    const firstSeq = this.firstSeq;
    for (const item of run) {
      this.noteHead(lastSeqOf(item));
      if (firstSeq === 0 || lastSeqOf(item) >= firstSeq) this.#take(item);
    }
    this.#drain();
    const grown = this.#items.length > before ? this.#items.slice(before) : none;
    if (firstSeq > 1) this.#prepend(run);
    return grown;
  }

  /** The server says that entries up to seq exist. */
  noteHead(seq: number): void {
    if (seq > this.#headSeq) this.#headSeq = seq;
  }

  /** The server says where the log ends: whatever was announced beyond it, and didn't come, isn't there. */
  settleHead(seq: number): void {
    let headSeq = Math.max(seq, this.lastSeq);
    for (const ahead of this.#ahead.values()) headSeq = Math.max(headSeq, lastSeqOf(ahead));
    this.#headSeq = headSeq;
  }

  /** The server has nothing before the first item. */
  markStart(): void {
    this.#atStart = true;
  }

  wanted(): Want | undefined {
    if (this.#items.length === 0) return this.#headSeq > 0 ? { t: 'tail' } : undefined;
    const fromSeq = this.lastSeq + 1;
    if (fromSeq > this.#headSeq) return undefined;
    let toSeq = this.#headSeq;
    for (const seq of this.#ahead.keys()) if (seq <= toSeq) toSeq = seq - 1;
    return { t: 'range', fromSeq, toSeq };
  }

  /** The item that stands at seq, or for it. */
  find(seq: number): HeldItem | undefined {
    return this.#items[this.#indexOf(seq)];
  }

  /** Others have these up to here: own messages change their status accordingly. Never goes back. */
  raise(deliveredSeq: number, readSeq: number): void {
    const floor = Math.min(this.#deliveredSeq, this.#readSeq);
    if (deliveredSeq <= this.#deliveredSeq && readSeq <= this.#readSeq) return;
    this.#deliveredSeq = Math.max(this.#deliveredSeq, deliveredSeq, readSeq);
    this.#readSeq = Math.max(this.#readSeq, readSeq);
    for (let at = this.#items.length - 1; at >= 0; at--) {
      const item = this.#items[at] as HeldItem;
      if (item.seq <= floor) break;
      const status = this.#statusOf(item);
      if (status === item.status) continue;
      this.#items[at] = { ...item, status };
      this.#shown = undefined;
    }
  }

  /** Drops the oldest items above a number of them. */
  trim(max: number): void {
    if (this.#items.length <= max) return;
    this.#items.splice(0, this.#items.length - max);
    for (const target of this.#recalls.keys()) if (target < this.firstSeq) this.#recalls.delete(target);
    this.#atStart = false;
    this.#shown = undefined;
  }

  /** Forgets all entries, but not that they exist: the newest are fetched. */
  restart(): void {
    const headSeq = this.#headSeq;
    this.clear();
    this.#headSeq = headSeq;
  }

  /** Forgets all entries. What others have read stays. */
  clear(): void {
    this.#items = [];
    this.#ahead.clear();
    this.#recalls.clear();
    this.#headSeq = 0;
    this.#atStart = false;
    this.#shown = undefined;
  }

  /** Forgets all, the statuses included: the store isn't the one that they came from. */
  void(): void {
    this.clear();
    this.#deliveredSeq = 0;
    this.#readSeq = 0;
  }

  #take(item: HeldItem): void {
    const nextSeq = this.lastSeq + 1;
    if (this.#items.length === 0 || item.seq === nextSeq) this.#append(item);
    else if (item.seq > nextSeq) this.#keepAside(item);
    else if (lastSeqOf(item) >= nextSeq) this.#append({ ...item, seq: nextSeq });
    else this.#replace(item);
  }

  #append(item: HeldItem): void {
    this.#items.push(this.#dress(item));
    this.#shown = undefined;
    if (item.content.t === 'recall') this.#recall(item.content.targetSeq, item.sender);
  }

  #keepAside(item: HeldItem): void {
    if (this.#ahead.size >= maxAhead && !this.#ahead.has(item.seq)) return;
    const held = this.#ahead.get(item.seq);
    if (held === undefined || held.revision < item.revision) this.#ahead.set(item.seq, item);
  }

  #drain(): void {
    while (this.#ahead.size > 0) {
      const item = this.#ahead.get(this.lastSeq + 1);
      if (item === undefined) break;
      this.#append(item);
      this.#ahead.delete(item.seq);
    }
    // Pages overlap what was kept aside.
    if (this.#ahead.size > 0)
      for (const seq of this.#ahead.keys()) if (seq <= this.lastSeq) this.#ahead.delete(seq);
  }

  #prepend(run: readonly HeldItem[]): void {
    const front: HeldItem[] = [];
    let firstSeq = this.firstSeq;
    for (let at = run.length - 1; at >= 0; at--) {
      const item = run[at] as HeldItem;
      if (item.seq >= firstSeq) continue;
      if (lastSeqOf(item) < firstSeq - 1) break;
      front.push(this.#dress(clip(item, firstSeq - 1)));
      firstSeq = item.seq;
    }
    if (front.length === 0) return;
    this.#items = [...front.reverse(), ...this.#items];
    this.#shown = undefined;
    for (const item of front)
      if (item.content.t === 'recall') this.#recall(item.content.targetSeq, item.sender);
  }

  #replace(item: HeldItem): void {
    const at = this.#indexOf(item.seq);
    const held = this.#items[at];
    if (held === undefined || held.seq !== item.seq || held.revision >= item.revision) return;
    this.#items[at] = this.#dress(item);
    this.#shown = undefined;
  }

  /** The item as it is to be shown: recalled where it was, and with its status. */
  #dress(item: HeldItem): HeldItem {
    const by = item.content.t === 'message' ? this.#recalls.get(item.seq) : undefined;
    const status = this.#statusOf(item);
    if (by !== undefined) return { ...recalled(item, by), status };
    return status === item.status ? item : { ...item, status };
  }

  #recall(targetSeq: number, by: string): void {
    this.#recalls.set(targetSeq, by);
    const at = this.#indexOf(targetSeq);
    const target = this.#items[at];
    if (target !== undefined && target.content.t === 'message') this.#items[at] = recalled(target, by);
  }

  #statusOf(item: HeldItem): MessageStatus | undefined {
    if (item.sender !== this.#self) return undefined;
    if (item.seq <= this.#readSeq) return 'read';
    return item.seq <= this.#deliveredSeq ? 'delivered' : 'sent';
  }

  #indexOf(seq: number): number {
    let low = 0;
    let high = this.#items.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const item = this.#items[middle] as HeldItem;
      if (seq < item.seq) high = middle - 1;
      else if (seq > lastSeqOf(item)) low = middle + 1;
      else return middle;
    }
    return -1;
  }
}

const none: readonly HeldItem[] = [];

function clip(item: HeldItem, throughSeq: number): HeldItem {
  return item.content.t === 'hidden' && item.content.throughSeq > throughSeq
    ? { ...item, content: { t: 'hidden', throughSeq } }
    : item;
}

/** As the server then keeps it: nothing of what was sent is left. */
function recalled(item: HeldItem, by: string): HeldItem {
  return { ...item, clientId: '', revision: item.revision + 1, content: { t: 'recalled', by } };
}
