import type { Clock } from '../core/clock.ts';
import type { ConvId, UserId } from '../core/ids.ts';
import type { AudienceFrame, AudienceNo, EdgeFrame, EntryFrame, Hearer } from '../peer/edge-frames.ts';
import { type Push, Room } from './room.ts';
import type { Session } from './session.ts';

export interface RoomsHost {
  readonly clock: Clock;
  /** Sessions of a user that are registered or about to be. */
  sessionsOf(userId: UserId): Iterable<Session>;
  send(frame: EdgeFrame): void;
  /** Something waits for the next flush. */
  dirty(): void;
}

/** How long a missing entry may take to come by itself before it is fetched. */
const patienceMs = 20;

/** The conversations that sessions of this edge hear of. */
export class Rooms {
  readonly #host: RoomsHost;
  readonly #byConversation = new Map<ConvId, Room>();
  readonly #byAudience = new Map<AudienceNo, Room>();
  readonly #dirty = new Set<Room>();
  /** Rooms with entries that somebody may still owe an acknowledgement for. */
  readonly active = new Set<Room>();

  constructor(host: RoomsHost) {
    this.#host = host;
  }

  get size(): number {
    return this.#byConversation.size;
  }

  get(convId: ConvId): Room | undefined {
    return this.#byConversation.get(convId);
  }

  byAudience(audience: AudienceNo): Room | undefined {
    return this.#byAudience.get(audience);
  }

  audience(frame: AudienceFrame): void {
    const room = this.#byConversation.get(frame.convId) ?? new Room(frame.convId);
    if (frame.whole) {
      const named = new Set(frame.users.map((hearer) => hearer.userId));
      for (const userId of [...room.hearers.keys()]) if (!named.has(userId)) this.#dismiss(room, userId);
    }
    for (const hearer of frame.users) this.#admit(room, hearer);
    for (const userId of frame.gone) this.#dismiss(room, userId);
    this.#byAudience.delete(room.audience);
    room.audience = frame.audience;
    this.#byConversation.set(room.convId, room);
    this.#byAudience.set(room.audience, room);
    this.#tidy(room);
  }

  entry(frame: EntryFrame): void {
    const room = this.#byAudience.get(frame.audience);
    if (room === undefined) {
      // What is held meanwhile would have no end; the owner forwards it again with the audience.
      const { convId, seq } = frame.entry;
      this.#host.send({ t: 'audienceUnknown', audience: frame.audience, convId });
      this.#host.send({ t: 'pull', convId, fromSeq: seq, toSeq: seq });
      return;
    }
    switch (room.order.arrive(frame.incarnation, frame.entry)) {
      case 'old':
        return;
      case 'early':
        this.#awaitMissing(room);
        return;
      case 'next':
        this.#add(room, frame.entry);
        for (const entry of room.order.released()) this.#add(room, entry);
    }
  }

  /** All that waits, handed to `push`; returns how many deliveries were made. */
  flush(push: Push, flushed: (createdAtMs: number) => void): number {
    let delivered = 0;
    for (const room of this.#dirty) delivered += room.flush(push, flushed);
    this.#dirty.clear();
    return delivered;
  }

  /** The session is gone. */
  leave(session: Session): void {
    for (const delivery of [...session.deliveries.values()]) {
      delivery.room.leave(delivery);
      this.#tidy(delivery.room);
    }
  }

  #add(room: Room, entry: EntryFrame['entry']): void {
    room.add(entry);
    this.#dirty.add(room);
    this.active.add(room);
    this.#host.dirty();
  }

  #awaitMissing(room: Room): void {
    const before = room.order.missing;
    setTimeout(() => {
      const missing = room.order.missing;
      if (missing === undefined || missing.from !== before?.from) return;
      this.#host.send({ t: 'pull', convId: room.convId, fromSeq: missing.from, toSeq: missing.to });
    }, patienceMs).unref();
  }

  #admit(room: Room, hearer: Hearer): void {
    room.hearers.set(hearer.userId, hearer);
    for (const session of this.#host.sessionsOf(hearer.userId)) room.enter(session, hearer);
  }

  #dismiss(room: Room, userId: UserId): void {
    room.hearers.delete(userId);
    for (const session of this.#host.sessionsOf(userId)) {
      const delivery = session.deliveries.get(room.convId);
      // Who still owes an acknowledgement is asked for it, also when the owner has let go of the conversation.
      if (delivery !== undefined && delivery.ackedSeq >= delivery.end) room.leave(delivery);
    }
  }

  #tidy(room: Room): void {
    if (!room.empty || room.waiting) return;
    this.#byConversation.delete(room.convId);
    this.active.delete(room);
    this.#byAudience.delete(room.audience);
  }
}
