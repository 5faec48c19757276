import { cursorFragment } from '../codec/cursor-event.ts';
import type { Clock } from '../core/clock.ts';
import { Fault } from '../core/fault.ts';
import type { TraceContext } from '../core/trace-context.ts';
import type { Span } from '../core/span.ts';
import type { ConvId, Seq, UserId } from '../core/ids.ts';
import type { EdgeFrame, OwnerFrame } from '../peer/edge-frames.ts';
import type { CommandTraces } from './command-traces.ts';
import type { Delivery } from './delivery.ts';
import type { ConnectionMeters } from './meters.ts';
import { Redelivery } from './redelivery.ts';
import { Rooms } from './rooms.ts';
import type { Session } from './session.ts';
import type { SessionBook } from './session-book.ts';
import { fragment, gapFragment } from './wire.ts';

type DeliveredItem = Extract<EdgeFrame, { t: 'delivered' }>['items'][number];

export interface PushHost {
  readonly clock: Clock;
  readonly sessions: SessionBook;
  readonly meters: ConnectionMeters;
  readonly windowBytes: number;
  readonly redeliverAfterMs: number;
  /** Undefined: nothing is traced. */
  readonly traces?: CommandTraces | undefined;
  /** A fragment with a sampled entry goes out with the flush at hand, and so ends its span. */
  carries?(fragment: Uint8Array, span: Span): void;
  queue(session: Session, encoded: Uint8Array): void;
  /** For an open session; it waits for another write for a while. */
  queueLazily(session: Session, encoded: Uint8Array): void;
  /** Tells owners what sessions have acknowledged. */
  delivered(items: readonly DeliveredItem[]): void;
  /** Asks a conversation's owner for entries. */
  pull(convId: ConvId, fromSeq: Seq, toSeq: Seq): void;
  end(session: Session, fault: Fault): void;
  /** A session is over its window from now on. */
  heldBack(session: Session): void;
  /** Something waits for the next flush. */
  dirty(): void;
}

/** What is pushed to sessions without being asked for: entries within each session's window, and news of the moment. */
export class Pushes {
  readonly rooms: Rooms;
  readonly #host: PushHost;
  readonly #redelivery: Redelivery;
  #delivered: DeliveredItem[] = [];

  constructor(host: PushHost) {
    this.#host = host;
    this.rooms = new Rooms({
      clock: host.clock,
      sessionsOf: (userId) => host.sessions.signedInOf(userId),
      pull: (convId, fromSeq, toSeq) => host.pull(convId, fromSeq, toSeq),
      dirty: () => host.dirty(),
      recheck: (session) => this.#recheck(session),
      traced: ({ convId, seq, trace }) => this.#traced(convId, seq, trace),
    });
    this.#redelivery = new Redelivery(this.rooms.active, {
      clock: host.clock,
      afterMs: host.redeliverAfterMs,
      announce: (delivery, from, to) => {
        host.meters.redeliveries += 1;
        this.#gap(delivery, from, to);
      },
      giveUp: ({ session }) =>
        host.end(session, new Fault('unacknowledged', { message: 'nothing is acknowledged' })),
    });
  }

  /**
   * Before each flush: entries go to the sessions of their rooms, acknowledgements to the owner. Returns how many entries,
   * counted for each session.
   */
  collect(): number {
    const { meters, clock } = this.#host;
    const deliveries = this.rooms.flush(
      (delivery, encoded, to) => this.#push(delivery, encoded, to),
      ({ createdAtMs, trace }, encoded, handed) => {
        meters.onDeliverySeconds(Math.max(0, clock.wallMs() - createdAtMs) / 1_000);
        if (trace !== undefined) this.#carried(trace, encoded, handed);
      },
    );
    meters.deliveries += deliveries;
    if (this.#delivered.length > 0) {
      const items = this.#delivered;
      this.#delivered = [];
      this.#host.delivered(items);
    }
    return deliveries;
  }

  /**
   * An acknowledgement of something pushed here; false where it goes beyond that: then it is for the owner to judge, and
   * `acknowledged` takes it when the owner has.
   */
  acknowledge(session: Session, convId: ConvId, seq: Seq): boolean {
    const delivery = session.deliveries.get(convId);
    if (delivery === undefined) return false;
    // Whatever its owner says of the rest, and whether it can be asked: what was pushed here has come.
    this.#take(delivery, Math.min(seq, delivery.end));
    if (seq > delivery.end) return false;
    if (this.#delivered.push({ convId, userId: session.userId, seq }) === 1) this.#host.dirty();
    return true;
  }

  /** The owner has taken an acknowledgement. */
  acknowledged(session: Session, convId: ConvId, seq: Seq): void {
    const delivery = session.deliveries.get(convId);
    if (delivery !== undefined) this.#take(delivery, Math.min(seq, delivery.end));
  }

  #take(delivery: Delivery, seq: Seq): void {
    const { session } = delivery;
    session.unackedBytes -= delivery.acknowledge(seq);
    this.rooms.acknowledged(delivery);
    this.#recheck(session);
  }

  /** A session that was over its window takes pushes again once half of it is free. */
  #recheck(session: Session): void {
    if (session.state === 'closed') return;
    if (session.overWindow && session.unackedBytes <= this.#host.windowBytes / 2) session.overSinceMs = 0;
    this.catchUp(session);
  }

  /** The session takes pushes again: what was held back is named, and the client fetches it at its pace. */
  catchUp(session: Session): void {
    if (!session.receptive || session.lagging.size === 0) return;
    for (const delivery of session.lagging) {
      const from = Math.max(delivery.sentSeq + 1, delivery.firstSeq);
      if (from <= delivery.end) this.#gap(delivery, from, delivery.end);
      delivery.sentSeq = Math.max(delivery.sentSeq, delivery.end);
      session.caughtUp(delivery);
    }
  }

  /**
   * Announces again what was not acknowledged in time, in the next part of the rooms. All should be looked at every five
   * seconds.
   */
  redeliver(part = 1): void {
    this.#redelivery.step(part);
  }

  cursor(cursor: Extract<OwnerFrame, { t: 'cursor' }>): void {
    const encoded = cursorFragment(cursor);
    for (const user of cursor.to)
      for (const session of this.#host.sessions.of(user))
        if (listens(session)) this.#host.queueLazily(session, encoded);
  }

  receipts({ convId, seq, delivered, read }: Extract<OwnerFrame, { t: 'receipts' }>): void {
    const encoded = fragment(0, { case: 'receipts', value: { convId, seq: BigInt(seq), delivered, read } });
    this.#toRoom(convId, encoded, undefined);
  }

  typing({ convId, userId, active }: Extract<OwnerFrame, { t: 'typing' }>): void {
    this.#toRoom(convId, fragment(0, { case: 'typing', value: { convId, userId, active } }), userId);
  }

  #toRoom(convId: ConvId, encoded: Uint8Array, except: UserId | undefined): void {
    for (const { session, lastSeq } of this.rooms.get(convId)?.deliveries ?? []) {
      if (lastSeq === 0 && session.userId !== except) this.#toReceptive(session, encoded);
    }
  }

  #toReceptive(session: Session, encoded: Uint8Array): void {
    if (listens(session)) this.#host.queue(session, encoded);
  }

  /** A sampled entry has come to this edge. */
  #traced(convId: ConvId, seq: Seq, trace: TraceContext | undefined): Span | undefined {
    if (trace === undefined) return undefined;
    return this.#host.traces?.delivery(trace, { 'parley.conv_id': convId, 'parley.seq': seq });
  }

  /** It is on its way to so many sessions. */
  #carried(span: Span, encoded: Uint8Array, sessions: number): void {
    span.set({ 'parley.sessions': sessions });
    this.#host.carries?.(encoded, span);
  }

  #push(delivery: Delivery, encoded: Uint8Array, to: Seq): boolean {
    const { session } = delivery;
    if (!session.receptive) {
      session.lag(delivery);
      return false;
    }
    delivery.sentSeq = to;
    delivery.bytes += encoded.byteLength;
    session.unackedBytes += encoded.byteLength;
    this.#host.queue(session, encoded);
    if (session.unackedBytes > this.#host.windowBytes) {
      session.overSinceMs = this.#host.clock.monotonicMs();
      this.#host.heldBack(session);
    }
    return true;
  }

  #gap({ session, room }: Delivery, from: Seq, to: Seq): void {
    this.#host.queue(session, gapFragment(room.convId, from, to));
  }
}

/** What is only worth something now isn't kept for sessions that lag. */
function listens(session: Session): boolean {
  return session.state === 'open' && session.receptive;
}
