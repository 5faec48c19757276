import type { Clock } from '../core/clock.ts';
import type { ConvId, Seq, UserId } from '../core/ids.ts';
import type { Span } from '../core/span.ts';
import type { AudienceFrame, EntryFrame, Hearer } from '../peer/edge-frames.ts';
import type { Delivery } from './delivery.ts';
import { type Audiences, type Flushed, type Push, Room } from './room.ts';
import type { Session } from './session.ts';

export interface RoomsHost {
  readonly clock: Clock;
  /** Sessions of a user that are registered or about to be. */
  sessionsOf(userId: UserId): Iterable<Session>;
  /** Asks a room's owner for entries. */
  pull(convId: ConvId, fromSeq: Seq, toSeq: Seq): void;
  /** Something waits for the next flush. */
  dirty(): void;
  /** The session owes less than before, or there is something that it was not given: see whether it takes pushes now. */
  recheck(session: Session): void;
  /** The span of a sampled entry that is to be handed to sessions; absent where nothing is traced. */
  traced?(entry: EntryFrame['entry']): Span | undefined;
}

/** How long a missing entry may take to come by itself before it is fetched. */
const patienceMs = 20;
/** How long a fetched one may take, doubled from try to try; after the last one, sessions are told of a gap. */
const fetchMs = 250;
const maxFetches = 5;

/** The conversations that sessions of this edge hear of. */
export class Rooms {
  readonly #host: RoomsHost;
  readonly #byConversation = new Map<ConvId, Room>();
  #dirty: Room[] = [];
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

  /** Nothing is known of any conversation any more. No session may hear of one. */
  clear(): void {
    this.#byConversation.clear();
    this.active.clear();
    this.#dirty = [];
  }

  /**
   * What an owner says of a conversation's hearers here. `audiences` are those of its link. Returns false where it has to
   * say it whole: a change is of use only to what was heard from the same owner.
   */
  audience(audiences: Audiences, frame: AudienceFrame): boolean {
    const { convId, audience, nextSeq, knownSeq, whole } = frame;
    const room = this.#byConversation.get(convId) ?? new Room(convId, nextSeq - 1);
    const knowsMore = room.owner === undefined || knownSeq > room.knownSeq;
    if (room.owner === audiences) this.#tell(room, audiences, frame);
    else if (!whole && knowsMore) return false;
    // Of two that believe to be the owner, the one that has read further knows who hears of it. The other one's entries
    // are as good as any; before it can commit one it has read as far, and tells again.
    else if (isDismissal(frame)) room.uncalled(audiences);
    else if (whole && (knowsMore || knownSeq === room.knownSeq)) this.#tell(room, audiences, frame);
    else room.called(audiences, audience);
    return true;
  }

  #tell(room: Room, audiences: Audiences, frame: AudienceFrame): void {
    const dismissed = frame.whole ? unnamed(room, frame) : frame.gone;
    // Who is dismissed now could not be told later. The owner may have heard of a session's end before it heard of the next one.
    if (dismissed.some((userId) => this.#isHere(room, userId)))
      for (let { missing } = room.order; missing !== undefined; missing = room.order.missing)
        this.#giveUp(room, missing);
    for (const userId of dismissed) this.#dismiss(room, userId);
    for (const hearer of frame.users) this.#admit(room, hearer, frame.nextSeq);
    // Who lets go has no say any more: the next one to tell is heard, however little it knows.
    const heard = !isDismissal(frame);
    const isSame = room.owner === audiences;
    if (isSame) audiences.delete(room.audience);
    else {
      room.uncalled(audiences);
      if (room.owner !== undefined) room.called(room.owner, room.audience);
    }
    room.owner = heard ? audiences : undefined;
    room.audience = heard ? frame.audience : 0;
    room.knownSeq = heard ? Math.max(isSame ? room.knownSeq : 0, frame.knownSeq) : 0;
    // What another one had forwarded beyond that may be behind a removal that this one does not know of: it comes again.
    if (!isSame) room.order.letGo(room.knownSeq);
    this.#byConversation.set(room.convId, room);
    if (heard) {
      audiences.set(room.audience, room);
      // What its owner knows of is there, and comes by itself or has to be fetched, whether anything comes after it or not.
      this.#expect(room, frame.knownSeq);
    }
    this.#tidy(room);
  }

  /** Returns false where the audience is not known here: the owner forwards the entry again with it. */
  entry(audiences: Audiences, frame: EntryFrame): boolean {
    const room = audiences.get(frame.audience);
    // What were held meanwhile would have no end.
    if (room === undefined) return this.#unheard(frame);
    const { seq } = frame.entry;
    if (room.owner === audiences) room.knownSeq = Math.max(room.knownSeq, seq);
    else if (this.#byConversation.get(room.convId) !== room || seq > room.knownSeq) {
      // An owner that isn't heard on who hears may still call a room that is gone; and one whose entry the other does not
      // know of may know of a removal that it does not know of either.
      room.uncalled(audiences);
      audiences.delete(frame.audience);
      return this.#unheard(frame);
    }
    switch (room.order.arrive(frame.incarnation, frame.entry)) {
      case 'old':
        break;
      case 'early':
        this.#awaitMissing(room);
        break;
      case 'next':
        this.#add(room, frame.entry);
        for (const entry of room.order.released()) this.#add(room, entry);
    }
    return true;
  }

  /** An entry can't be taken from who forwarded it, who may have let go of the conversation: its owner has it, too. */
  #unheard({ entry: { convId, seq } }: EntryFrame): false {
    const room = this.#byConversation.get(convId);
    if (room !== undefined) this.#expect(room, seq);
    return false;
  }

  #expect(room: Room, seq: Seq): void {
    if (seq <= room.last) return;
    room.order.expect(seq);
    this.#awaitMissing(room);
  }

  /** An owner's link is lost. Returns the rooms of which nobody tells any more, until another owner does. */
  orphaned(audiences: Audiences): readonly Room[] {
    const orphans: Room[] = [];
    for (const room of [...audiences.values()]) {
      if (room.owner !== audiences) {
        room.uncalled(audiences);
        continue;
      }
      room.owner = undefined;
      room.audience = 0;
      orphans.push(room);
    }
    audiences.clear();
    return orphans;
  }

  /** All that waits, handed to `push`; returns how many deliveries were made. */
  flush(push: Push, flushed: Flushed): number {
    let delivered = 0;
    while (this.#dirty.length > 0) {
      const dirty = this.#dirty;
      this.#dirty = [];
      for (const room of dirty) {
        room.dirty = false;
        delivered += room.flush(push, flushed);
        this.#tidy(room);
      }
    }
    return delivered;
  }

  /** The session is gone. */
  leave(session: Session): void {
    for (const { room } of [...session.deliveries.values()]) {
      const delivery = session.deliveries.get(room.convId);
      if (delivery !== undefined) this.#leave(delivery);
      this.#forgetLeaver(room, session.userId);
      this.#tidy(room);
    }
  }

  /** The session has acknowledged something: who is owed nothing more need not be remembered. */
  acknowledged(delivery: Delivery): void {
    const { room, session, lastSeq, ackedSeq } = delivery;
    if (delivery.owes) return;
    const left = lastSeq > 0 && ackedSeq >= lastSeq;
    if (!left && room.hearers.has(session.userId)) return;
    this.#leave(delivery);
    this.#forgetLeaver(room, session.userId);
    this.#tidy(room);
  }

  /** What it still owed fills its session's window no longer. */
  #leave(delivery: Delivery): void {
    delivery.room.leave(delivery);
    this.#host.recheck(delivery.session);
  }

  #add(room: Room, entry: EntryFrame['entry']): void {
    room.add(entry, entry.trace === undefined ? undefined : this.#host.traced?.(entry));
    this.#wait(room);
  }

  #wait(room: Room): void {
    if (!room.dirty) {
      room.dirty = true;
      this.#dirty.push(room);
    }
    this.active.add(room);
    this.#host.dirty();
  }

  #awaitMissing(room: Room): void {
    if (room.fetching) return;
    room.fetching = true;
    this.#lookAfter(room, room.order.missing?.from ?? 0, 0, patienceMs);
  }

  /** `fetches`: how often what is missing from here on was asked for. */
  #lookAfter(room: Room, from: Seq, fetches: number, waitMs: number): void {
    setTimeout(() => {
      const { missing } = room.order;
      if (missing === undefined || this.#byConversation.get(room.convId) !== room) {
        room.fetching = false;
      } else if (missing.from !== from) {
        this.#lookAfter(room, missing.from, 0, patienceMs);
      } else if (fetches < maxFetches) {
        this.#host.pull(room.convId, missing.from, missing.to);
        this.#lookAfter(room, from, fetches + 1, fetchMs * 2 ** fetches);
      } else {
        this.#giveUp(room, missing);
        this.#lookAfter(room, 0, 0, patienceMs);
      }
    }, waitMs).unref();
  }

  /** Gapless or told: what can't be had is named, and what comes after it goes on. */
  #giveUp(room: Room, { from, to }: { readonly from: Seq; readonly to: Seq }): void {
    room.order.skip(to);
    room.addGap(from, to);
    this.#wait(room);
    for (const entry of room.order.released()) this.#add(room, entry);
  }

  #admit(room: Room, hearer: Hearer, nextSeq: Seq): void {
    room.hearers.set(hearer.userId, hearer.lastSeq);
    for (const session of this.#host.sessionsOf(hearer.userId)) {
      const delivery = room.enter(session, hearer, nextSeq);
      if (delivery.missedFlush) this.#missed(delivery);
      this.acknowledged(delivery);
    }
    this.#forgetLeaver(room, hearer.userId);
  }

  /** Nobody pushes entries again that others were given: the session is told to fetch them. */
  #missed(delivery: Delivery): void {
    delivery.session.lag(delivery);
    this.active.add(delivery.room);
    this.#host.recheck(delivery.session);
  }

  /** Nobody tells of users who left and have no session here. */
  #forgetLeaver(room: Room, userId: UserId): void {
    const lastSeq = room.hearers.get(userId) ?? 0;
    if (lastSeq === 0) return;
    if (!this.#isHere(room, userId)) room.hearers.delete(userId);
  }

  #isHere({ convId }: Room, userId: UserId): boolean {
    for (const session of this.#host.sessionsOf(userId)) if (session.deliveries.has(convId)) return true;
    return false;
  }

  #dismiss(room: Room, userId: UserId): void {
    room.hearers.delete(userId);
    for (const session of this.#host.sessionsOf(userId)) {
      const delivery = session.deliveries.get(room.convId);
      if (delivery === undefined) continue;
      // Who still owes an acknowledgement is asked for it, also when the owner has let go of the conversation; but what
      // comes from now on is theirs only if the owner says so again.
      if (delivery.owes) delivery.lastSeq = delivery.end;
      else this.#leave(delivery);
    }
  }

  #tidy(room: Room): void {
    if (!room.empty || room.waiting) return;
    this.#byConversation.delete(room.convId);
    this.active.delete(room);
    room.forgotten();
  }
}

/** Who has heard of it until now, and does not any more. */
function unnamed({ hearers }: Room, { users }: AudienceFrame): readonly UserId[] {
  const named = new Set(users.map(({ userId }) => userId));
  return [...hearers.keys()].filter((userId) => !named.has(userId));
}

/** The owner has let go of the conversation. */
export function isDismissal({ whole, users }: AudienceFrame): boolean {
  return whole && users.length === 0;
}
