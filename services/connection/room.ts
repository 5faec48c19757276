import { concat, entryFragment } from '../codec/frames.ts';
import { appended } from '../core/appended.ts';
import type { ConvId, Seq, UserId } from '../core/ids.ts';
import { PairMap } from '../core/pair-map.ts';
import type { AudienceNo, Hearer, LogEntry } from '../peer/edge-frames.ts';
import type { Span } from '../core/span.ts';
import { Delivery } from './delivery.ts';
import { ForwardOrder } from './forward-order.ts';
import type { Session } from './session.ts';
import { gapFragment } from './wire.ts';

/** An entry, or the announcement of a gap up to seq. */
export interface Pending {
  readonly fromSeq: Seq;
  readonly seq: Seq;
  readonly fragment: Uint8Array;
  /** 0 for gaps. */
  readonly createdAtMs: number;
  /** Of a sampled entry. */
  readonly trace: Span | undefined;
}

/** Where a room's log stood, by the monotonic clock. */
interface Mark {
  readonly atMs: number;
  readonly seq: Seq;
}

/** The rooms of one message node's conversations, by the number that it gave each audience. */
export type Audiences = Map<AudienceNo, Room>;

/** Hands a fragment with the entries up to `to` to a session; false when it is held back. */
export type Push = (delivery: Delivery, fragment: Uint8Array, to: Seq) => boolean;

/** Told of each entry that a flush has handed to so many sessions, those that were up to date by this fragment. */
export type Flushed = (entry: Pending, fragment: Uint8Array, handed: number) => void;

const noMarks: readonly Mark[] = [];
/** Never added to: `appended` makes a list of one in its place. */
const nothing: Pending[] = [];

/** Entries held while one before them is missing, at most; beyond it they are fetched with the missing ones. */
const maxHeld = 256;

/**
 * One conversation on this edge: who hears of it, and what waits for the next flush. An entry is encoded once and costs
 * nothing per member until then; a flush makes one buffer for all who are up to date.
 */
export class Room {
  readonly convId: ConvId;
  /** Whose word on the hearers counts, and by what number it calls them; undefined when its link is lost. */
  owner: Audiences | undefined;
  audience: AudienceNo = 0;
  /** The last entry that it takes into account. */
  knownSeq: Seq = 0;
  /** By what number others call it: their word on the hearers does not count now. */
  #others: Map<Audiences, AudienceNo> | undefined;
  /** With the last entry that is theirs; 0: no end. */
  readonly hearers = new PairMap<UserId, Seq>();
  readonly order: ForwardOrder<LogEntry>;
  #deliveries: Delivery[] = [];
  #pending: Pending[] = nothing;
  /** The last entry that came in its turn, whoever forwarded it. */
  #reachedSeq: Seq = 0;
  /** What waits is not in order: another incarnation of the owner has begun to forward again. */
  #jumbled = false;
  /** Something waits for the next flush, and the flush knows. */
  dirty = false;
  /** The last entry that was handed to the sessions of the time. */
  flushedSeq: Seq;
  /** Something is missing, and a timer looks after it. */
  fetching = false;
  /** While somebody owes something: where the log stood, oldest first. */
  #marks: readonly Mark[] = noMarks;

  /** `last`: the entry before the first that is to come. */
  constructor(convId: ConvId, last: Seq) {
    this.convId = convId;
    this.flushedSeq = last;
    this.order = new ForwardOrder({ maxHeld, last });
  }

  /**
   * How far it was forwarded. Where another owner forwards again what the one before did, the order begins anew there; this
   * does not go back.
   */
  get last(): Seq {
    return Math.max(this.order.last, this.#reachedSeq);
  }

  /** Sessions of those who hear of it, and of those who owe an acknowledgement. */
  get deliveries(): readonly Delivery[] {
    return this.#deliveries;
  }

  /** Nobody hears of it and nobody owes an acknowledgement. */
  get empty(): boolean {
    return this.hearers.size === 0 && this.#deliveries.length === 0;
  }

  get waiting(): boolean {
    return this.#pending.length > 0;
  }

  /** An owner whose word does not count calls it by this number, and by no other one any more. */
  called(audiences: Audiences, no: AudienceNo): void {
    const before = this.#others?.get(audiences);
    if (before !== undefined && before !== no) audiences.delete(before);
    this.#others ??= new Map();
    this.#others.set(audiences, no);
    audiences.set(no, this);
  }

  /** An owner whose word does not count calls it no more. */
  uncalled(audiences: Audiences): void {
    const no = this.#others?.get(audiences);
    if (no === undefined) return;
    audiences.delete(no);
    this.#others?.delete(audiences);
    if (this.#others?.size === 0) this.#others = undefined;
  }

  /** It is gone: nobody calls it. */
  forgotten(): void {
    this.owner?.delete(this.audience);
    for (const audiences of [...(this.#others?.keys() ?? [])]) this.uncalled(audiences);
  }

  /** Encodes an entry that comes next. */
  add(entry: LogEntry, trace?: Span): void {
    const { seq, createdAtMs } = entry;
    this.#wait({ fromSeq: seq, seq, fragment: entryFragment(entry, entry.content), createdAtMs, trace });
  }

  /** Entries that could not be fetched are told as a gap. */
  addGap(fromSeq: Seq, toSeq: Seq): void {
    const fragment = gapFragment(this.convId, fromSeq, toSeq);
    this.#wait({ fromSeq, seq: toSeq, fragment, createdAtMs: 0, trace: undefined });
  }

  /** A session of a hearer, once. What comes from `nextSeq` on is to reach it, also what others have already. */
  enter(session: Session, { firstSeq, lastSeq }: Hearer, nextSeq: Seq): Delivery {
    const held = session.deliveries.get(this.convId);
    if (held !== undefined && held.room === this) {
      held.firstSeq = firstSeq;
      held.lastSeq = lastSeq;
      return held;
    }
    // An owner that has not read as far as the one before may name who was a member in earlier times.
    const sentSeq = Math.max(Math.min(this.last, nextSeq - 1), session.acknowledgedOf(this.convId));
    const delivery = new Delivery({ session, room: this, firstSeq, lastSeq, sentSeq });
    delivery.index = this.#deliveries.length;
    this.#deliveries = appended(this.#deliveries, delivery);
    session.deliveries.set(this.convId, delivery);
    return delivery;
  }

  leave(delivery: Delivery): void {
    const { session } = delivery;
    if (delivery.ackedSeq > delivery.enteredSeq) session.rememberAcknowledged(this.convId, delivery.ackedSeq);
    session.unackedBytes -= delivery.bytes;
    delivery.bytes = 0;
    const last = this.#deliveries.pop();
    if (last !== undefined && last !== delivery) {
      this.#deliveries[delivery.index] = last;
      last.index = delivery.index;
    }
    session.deliveries.delete(this.convId);
    session.caughtUp(delivery);
  }

  /** Hands what waits to each session; returns how many entries were handed over. */
  flush(push: Push, flushed: Flushed): number {
    const pending = this.#jumbled ? ascending(this.#pending) : this.#pending;
    this.#pending = nothing;
    this.#jumbled = false;
    const first = pending[0];
    const last = pending.at(-1);
    if (first === undefined || last === undefined) return 0;
    this.flushedSeq = Math.max(this.flushedSeq, last.seq);
    const whole = joined(pending);
    let delivered = 0;
    let sessions = 0;
    for (const delivery of this.#deliveries) {
      const from = Math.max(delivery.firstSeq, delivery.sentSeq + 1);
      const to = delivery.lastSeq === 0 ? last.seq : Math.min(delivery.lastSeq, last.seq);
      if (from > to) continue;
      const exact = from <= first.fromSeq && to === last.seq;
      const own = exact ? pending : within(pending, this.convId, from, to);
      if (own.length === 0 || !push(delivery, exact ? whole : joined(own), to)) continue;
      delivered += own.length;
      sessions += 1;
    }
    for (const one of pending) if (one.createdAtMs > 0) flushed(one, whole, sessions);
    return delivered;
  }

  /** Notes where the log stands now. Returns where it stood at `dueAtMs`, as far as it was noted; 0: nothing was. */
  mark(nowMs: number, dueAtMs: number): Seq {
    const due = this.#marks.findLastIndex(({ atMs }) => atMs <= dueAtMs);
    // The last one that is due stays: it is due the next time, too.
    this.#marks = [...this.#marks.slice(Math.max(0, due)), { atMs: nowMs, seq: this.last }];
    return due < 0 ? 0 : (this.#marks[0]?.seq ?? 0);
  }

  /** Nobody owes anything: what comes from now on is due later. */
  forgetMarks(): void {
    this.#marks = noMarks;
  }

  #wait(pending: Pending): void {
    this.#reachedSeq = Math.max(this.#reachedSeq, pending.seq);
    const last = this.#pending.at(-1);
    if (last !== undefined && pending.seq <= last.seq) this.#jumbled = true;
    this.#pending = appended(this.#pending, pending);
  }
}

/** What concerns the entries from … to, gaps cut to them. */
function within(pending: readonly Pending[], convId: ConvId, from: Seq, to: Seq): readonly Pending[] {
  const own = pending.filter(({ seq, fromSeq }) => seq >= from && fromSeq <= to);
  return own.map((one) => {
    if (one.createdAtMs > 0 || (one.fromSeq >= from && one.seq <= to)) return one;
    const [fromSeq, seq] = [Math.max(one.fromSeq, from), Math.min(one.seq, to)];
    return { ...one, fromSeq, seq, fragment: gapFragment(convId, fromSeq, seq) };
  });
}

/** In order; what a gap covers it says, too. */
function ascending(pending: readonly Pending[]): Pending[] {
  const sorted = [...pending].sort((one, other) => one.fromSeq - other.fromSeq || other.seq - one.seq);
  let reached = 0;
  return sorted.filter(({ seq }) => {
    if (seq <= reached) return false;
    reached = seq;
    return true;
  });
}

function joined(pending: readonly Pending[]): Uint8Array {
  if (pending.length === 1) return (pending[0] as Pending).fragment;
  return concat(pending.map(({ fragment }) => fragment));
}
