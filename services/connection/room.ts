import { concat, entryFragment } from '../codec/frames.ts';
import type { ConvId, Seq, UserId } from '../core/ids.ts';
import type { AudienceNo, Hearer, LogEntry } from '../peer/edge-frames.ts';
import { Delivery } from './delivery.ts';
import { ForwardOrder } from './forward-order.ts';
import type { Session } from './session.ts';

interface Pending {
  readonly seq: Seq;
  readonly fragment: Uint8Array;
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
  /** By what name its owner calls it; 0 for none. */
  audience: AudienceNo = 0;
  readonly hearers = new Map<UserId, Hearer>();
  readonly order = new ForwardOrder<LogEntry>({ maxHeld });
  readonly deliveries: Delivery[] = [];
  #pending: Pending[] = [];
  #leavers = false;
  /** Where the log stood at the last ticks, oldest first: what is older than the redelivery time must be acknowledged. */
  readonly marks: { readonly atMs: number; readonly seq: Seq }[] = [];

  constructor(convId: ConvId) {
    this.convId = convId;
  }

  get last(): Seq {
    return this.order.last;
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
    this.#pending.push({
      seq: entry.seq,
      fragment: entryFragment(entry, entry.content),
      createdAtMs: entry.createdAtMs,
    });
  }

  /** A session of a hearer, once. */
  enter(session: Session, { firstSeq, lastSeq }: Hearer): void {
    if (lastSeq > 0) this.#leavers = true;
    const held = session.deliveries.get(this.convId);
    if (held !== undefined && held.room === this) {
      held.firstSeq = firstSeq;
      held.lastSeq = lastSeq;
      return;
    }
    const delivery = new Delivery(session, this, firstSeq, lastSeq);
    delivery.index = this.deliveries.push(delivery) - 1;
    session.deliveries.set(this.convId, delivery);
  }

  leave(delivery: Delivery): void {
    const last = this.deliveries.pop();
    if (last !== undefined && last !== delivery) {
      this.deliveries[delivery.index] = last;
      last.index = delivery.index;
    }
    delivery.session.deliveries.delete(this.convId);
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
      const exact = from <= first.seq && to === last.seq;
      const own = exact ? pending : pending.filter(({ seq }) => seq >= from && seq <= to);
      if (own.length > 0 && push(delivery, exact ? whole : joined(own), to)) delivered += own.length;
    }
    for (const { createdAtMs } of pending) flushed(createdAtMs);
    if (this.#leavers) this.#forgetLeavers(last.seq);
    return delivered;
  }

  /** Those whose range has ended hear no more. */
  #forgetLeavers(seq: Seq): void {
    this.#leavers = false;
    for (const delivery of [...this.deliveries]) {
      this.#leavers ||= delivery.lastSeq > 0;
      if (delivery.lastSeq === 0 || delivery.lastSeq > seq || delivery.ackedSeq < delivery.sentSeq) continue;
      this.hearers.delete(delivery.session.userId);
      this.leave(delivery);
    }
  }
}

function joined(pending: readonly Pending[]): Uint8Array {
  if (pending.length === 1) return (pending[0] as Pending).fragment;
  return concat(pending.map(({ fragment }) => fragment));
}
