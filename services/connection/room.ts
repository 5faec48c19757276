import { concat, entryFragment } from '../codec/frames.ts';
import type { ConvId, Seq, UserId } from '../core/ids.ts';
import type { Hearer, LogEntry } from '../peer/edge-frames.ts';
import { Delivery } from './delivery.ts';
import { ForwardOrder } from './forward-order.ts';
import type { Session } from './session.ts';
import { gapFragment } from './wire.ts';
import type { Audiences, Word } from './word.ts';

/** An entry, or the announcement of a gap up to seq. */
interface Pending {
  readonly fromSeq: Seq;
  readonly seq: Seq;
  readonly fragment: Uint8Array;
  /** 0 for gaps. */
  readonly createdAtMs: number;
}

/** Hands a fragment with the entries up to `to` to a session; false when it is held back. */
export type Push = (delivery: Delivery, fragment: Uint8Array, to: Seq) => boolean;

/** Entries held while one before them is missing, at most; beyond it they are fetched with the missing ones. */
const maxHeld = 256;

/**
 * One conversation on this edge: who hears of it, and what waits for the next flush. An entry is encoded once and costs
 * nothing per member until then; a flush makes one buffer for all who are up to date.
 */
export class Room {
  readonly convId: ConvId;
  /** Whose word on the hearers counts; undefined once that node is lost, until another one tells. */
  word: Word | undefined;
  /** Those who hear of it by that word, or by the last one. */
  hearers = new Map<UserId, Hearer>();
  /** What others say, who know less. */
  #others: Word[] | undefined;
  readonly order: ForwardOrder<LogEntry>;
  readonly deliveries: Delivery[] = [];
  #pending: Pending[] = [];
  /** Something waits for the next flush, and the flush knows. */
  dirty = false;
  /** Something is missing, and a timer looks after it. */
  fetching = false;
  /** Where the log stood at the last ticks, oldest first: what is older than the redelivery time must be acknowledged. */
  readonly marks: { readonly atMs: number; readonly seq: Seq }[] = [];

  /** `last`: the entry before the first that is to come. */
  constructor(convId: ConvId, last: Seq) {
    this.convId = convId;
    this.order = new ForwardOrder({ maxHeld, last });
  }

  get last(): Seq {
    return this.order.last;
  }

  /** What a node has said of the hearers. */
  wordOf(audiences: Audiences): Word | undefined {
    if (this.word?.audiences === audiences) return this.word;
    return this.#others?.find((word) => word.audiences === audiences);
  }

  /** A word to be kept, although another one counts. */
  keep(word: Word): void {
    if (this.#others?.includes(word) !== true) (this.#others ??= []).push(word);
  }

  /** From now on this word counts; the one that did is kept. */
  heed(word: Word): void {
    const before = this.word;
    this.drop(word);
    if (before !== undefined && before !== word) this.keep(before);
    this.word = word;
    this.hearers = word.users;
  }

  /** A word is void. The hearers stay, until another word counts. */
  drop(word: Word): void {
    if (this.word === word) this.word = undefined;
    const left = this.#others?.filter((other) => other !== word);
    this.#others = left?.length === 0 ? undefined : left;
  }

  /** The word that takes the most entries into account, of those that don't count. */
  get bestOther(): Word | undefined {
    return this.#others?.reduce((best, word) => (word.knownSeq > best.knownSeq ? word : best));
  }

  /** No node's number for the room names it any more. */
  forget(): void {
    this.word?.forget();
    for (const word of this.#others ?? []) word.forget();
  }

  /** Nobody hears of it and nobody owes an acknowledgement. */
  get empty(): boolean {
    return this.hearers.size === 0 && this.deliveries.length === 0;
  }

  get waiting(): boolean {
    return this.#pending.length > 0;
  }

  /** Encodes an entry that comes next. */
  add(entry: LogEntry): void {
    const { seq, createdAtMs } = entry;
    this.#wait({ fromSeq: seq, seq, fragment: entryFragment(entry, entry.content), createdAtMs });
  }

  /** Entries that could not be fetched are told as a gap. */
  addGap(fromSeq: Seq, toSeq: Seq): void {
    const fragment = gapFragment(this.convId, fromSeq, toSeq);
    this.#wait({ fromSeq, seq: toSeq, fragment, createdAtMs: 0 });
  }

  /** A session of a hearer, once. */
  enter(session: Session, { firstSeq, lastSeq }: Hearer): Delivery {
    const held = session.deliveries.get(this.convId);
    if (held !== undefined && held.room === this) {
      held.firstSeq = firstSeq;
      held.lastSeq = lastSeq;
      return held;
    }
    const delivery = new Delivery(session, this, firstSeq, lastSeq);
    delivery.index = this.deliveries.push(delivery) - 1;
    session.deliveries.set(this.convId, delivery);
    return delivery;
  }

  leave(delivery: Delivery): void {
    const { session } = delivery;
    session.unackedBytes -= delivery.bytes;
    delivery.bytes = 0;
    const last = this.deliveries.pop();
    if (last !== undefined && last !== delivery) {
      this.deliveries[delivery.index] = last;
      last.index = delivery.index;
    }
    session.deliveries.delete(this.convId);
  }

  /** Hands what waits to each session; returns how many entries were handed over. */
  flush(push: Push, flushed: (createdAtMs: number) => void): number {
    const pending = this.#pending;
    this.#pending = [];
    const first = pending[0];
    const last = pending.at(-1);
    if (first === undefined || last === undefined) return 0;
    const whole = joined(pending);
    let delivered = 0;
    for (const delivery of this.deliveries) {
      const from = Math.max(delivery.firstSeq, delivery.sentSeq + 1);
      const to = delivery.lastSeq === 0 ? last.seq : Math.min(delivery.lastSeq, last.seq);
      if (from > to) continue;
      const exact = from <= first.fromSeq && to === last.seq;
      const own = exact ? pending : pending.filter(({ seq, fromSeq }) => seq >= from && fromSeq <= to);
      if (own.length > 0 && push(delivery, exact ? whole : joined(own), to)) delivered += own.length;
    }
    for (const { createdAtMs } of pending) if (createdAtMs > 0) flushed(createdAtMs);
    return delivered;
  }

  #wait(pending: Pending): void {
    this.#pending.push(pending);
  }
}

function joined(pending: readonly Pending[]): Uint8Array {
  if (pending.length === 1) return (pending[0] as Pending).fragment;
  return concat(pending.map(({ fragment }) => fragment));
}
