import type { Clock } from '../core/clock.ts';
import { Fault } from '../core/fault.ts';
import type { ConvId, Seq, UserId } from '../core/ids.ts';
import type { AskAcksFrame, EdgeFrame, OwnerFrame, ToldUntil } from '../peer/edge-frames.ts';
import type { Link, LinkEvents } from '../peer/link.ts';
import type { SessionAck } from '../ports/session-acks.ts';
import { AudienceQuestions } from './audience-questions.ts';
import { type OwnerLink, OwnerLinks } from './owner-links.ts';
import type { Audiences, Room } from './room.ts';
import type { Rooms } from './rooms.ts';
import type { Session } from './session.ts';
import { WatchRenewal } from './watch-renewal.ts';

type Push = Exclude<OwnerFrame, { t: 'reply' } | { t: 'refused' }>;
/** What concerns sessions, rather than rooms or the sessions' registration. */
export type News = Exclude<
  Push,
  {
    t: 'registered' | 'audience' | 'entry' | 'reset' | 'told' | 'askSessionAcks';
  }
>;

export interface OwnersHost {
  readonly clock: Clock;
  /** How long a call may take, in milliseconds. */
  readonly timeoutMs: number;
  /** How long sessions outlive the last link to a message node, in milliseconds. */
  readonly aloneMs: number;
  readonly rooms: () => Rooms;
  /** Sessions that are registered, or about to be. */
  readonly signedIn: () => Iterable<Session>;
  readonly watched: () => Iterable<UserId>;
  readonly news: (frame: News) => void;
  readonly sessionAcks: (question: AskAcksFrame) => readonly SessionAck[];
  /** A message node has read this epoch from the store: the sessions of another one must end. */
  readonly epoch: (epoch: string) => void;
  /** No message node has been linked for too long. */
  readonly abandoned: () => void;
  readonly failed: (error: unknown) => void;
}

/** Orphaned rooms that are asked for at once, and how often the next ones are. */
const adoptAtOnce = 500;
const adoptEveryMs = 50;
/** One of which nobody tells is asked for again after this time. */
const adoptAgainMs = 1_000;
/** Of so many message nodes it is known up to when they have told; who is forgotten tells more than it need. */
const mostTold = 1_000;

/**
 * What a connection node has with the message nodes: its sessions are registered with all of them, its rooms are each
 * one owner's. A node that is linked anew gets a snapshot; a room whose owner is lost asks the next one who hears of it
 * and what it has missed, so that nothing that was committed stays untold.
 */
export class Owners {
  readonly links: OwnerLinks;
  readonly #host: OwnersHost;
  readonly #audiences = new Map<OwnerLink, Audiences>();
  readonly #questions = new AudienceQuestions((convId) => this.links.ownerOf(convId));
  /** Of which nodes a session still waits to be known. */
  readonly #registering = new Map<number, { readonly session: Session; readonly asked: Set<OwnerLink> }>();
  /** By message node, what it said last of up to when it has told of everything. */
  readonly #told = new Map<string, ToldUntil>();
  /** Rooms without an owner, and when to ask for one again. */
  readonly #orphans = new Map<Room, number>();
  readonly #watches: WatchRenewal;
  #adopting: NodeJS.Timeout | undefined;
  #alone: NodeJS.Timeout | undefined;

  constructor(host: OwnersHost) {
    this.#host = host;
    this.links = new OwnerLinks({
      clock: host.clock,
      timeoutMs: host.timeoutMs,
      up: (owner) => this.#up(owner),
      push: (owner, frame) => this.#pushed(owner, frame),
      lost: (owner) => this.#lost(owner),
      failed: host.failed,
    });
    this.#watches = new WatchRenewal({
      watched: host.watched,
      watch: (users) => this.links.watch(users),
    });
  }

  /** How many message nodes are linked. */
  get linked(): number {
    return this.#audiences.size;
  }

  /** `epoch`: of the store, as the node says in its hello; it is the newer word where this node knew another one. */
  connect(nodeId: string, link: Link<EdgeFrame>, epoch: string): LinkEvents<OwnerFrame> {
    this.#host.epoch(epoch);
    return this.links.connect(nodeId, link, epoch);
  }

  /** As OwnerLinks has it; of users that are another node's by now, that one is asked to tell. */
  see(owners: readonly { readonly nodeId: string }[] | undefined): void {
    const before = [...this.links.names].sort().join();
    this.links.see(owners);
    if ([...this.links.names].sort().join() !== before && this.linked > 0) this.#watches.again();
  }

  /**
   * The store was restored: what is known of any conversation is void, and so are links to nodes that have not noticed.
   * They come again once those have. To be called when the sessions have ended.
   */
  reset(epoch: string): void {
    this.#orphans.clear();
    this.#host.rooms().clear();
    for (const audiences of this.#audiences.values()) audiences.clear();
    this.#questions.clear();
    for (const owner of [...this.links.all()])
      if (owner.epoch !== epoch) owner.messages.close('epochChanged');
  }

  /** Makes the session known to all nodes; `session.whenRegistered` waits for them. Throws `upstreamUnavailable`. */
  register(session: Session): void {
    const asked = new Set<OwnerLink>();
    session.signedInAtMs = Math.floor(this.#host.clock.monotonicMs());
    for (const owner of this.links.all())
      if (owner.messages.send(sessionUp(session, 0)) === 'queued') asked.add(owner);
    if (asked.size === 0) throw new Fault('upstreamUnavailable', { message: 'no message node is linked' });
    this.#registering.set(session.no, { session, asked });
  }

  /** The session is gone. */
  leave(session: Session): void {
    this.#registering.delete(session.no);
    for (const { messages } of this.links.all()) messages.send({ t: 'sessionDown', session: session.no });
  }

  /** Asks a conversation's owner for entries that have not come. */
  pull(convId: ConvId, fromSeq: Seq, toSeq: Seq): void {
    this.links.toOwner({ t: 'pull', convId, fromSeq, toSeq });
  }

  stop(): void {
    clearTimeout(this.#adopting);
    clearTimeout(this.#alone);
    this.#watches.stop();
  }

  #up(owner: OwnerLink): void {
    clearTimeout(this.#alone);
    this.#audiences.set(owner, new Map());
    const sessions = [...this.#host.signedIn()];
    const openedAtMs = sessions.map((session) => session.openedAtMs);
    const nowMs = this.#host.clock.monotonicMs();
    const oldestMs = Math.ceil(nowMs - openedAtMs.reduce((one, other) => Math.min(one, other), nowMs));
    owner.messages.send({ t: 'snapshot', oldestMs, told: this.#told.get(owner.nodeId) });
    for (const session of sessions)
      owner.messages.send(sessionUp(session, Math.max(1, Math.ceil(nowMs - session.signedInAtMs))));
    owner.messages.send({ t: 'snapshotEnd' });
    this.#watches.again();
    this.#adopt();
  }

  #lost(owner: OwnerLink): void {
    for (const no of [...this.#registering.keys()]) this.#registered(owner, no);
    const nowMs = this.#host.clock.monotonicMs();
    const audiences = this.#audiences.get(owner);
    this.#audiences.delete(owner);
    this.#questions.forget(owner);
    if (audiences !== undefined)
      for (const room of this.#host.rooms().orphaned(audiences)) this.#orphans.set(room, nowMs);
    if (this.#audiences.size === 0) {
      if (this.#host.aloneMs === 0) this.#host.abandoned();
      else this.#alone = setTimeout(() => this.#host.abandoned(), this.#host.aloneMs);
      return;
    }
    this.#watches.again();
    this.#adopt();
  }

  #pushed(owner: OwnerLink, frame: Push): void {
    switch (frame.t) {
      case 'entry': {
        const audiences = this.#audiences.get(owner);
        if (audiences === undefined || this.#host.rooms().entry(audiences, frame)) return;
        this.#questions.ask(owner, frame.audience, frame.entry);
        return;
      }
      case 'audience': {
        const audiences = this.#audiences.get(owner);
        if (audiences === undefined) return;
        this.#questions.heard(owner, frame);
        if (this.#host.rooms().audience(audiences, frame)) return;
        this.#questions.ask(owner, frame.audience, { convId: frame.convId, seq: frame.nextSeq });
        return;
      }
      case 'registered':
        this.#registered(owner, frame.session);
        return;
      case 'told':
        this.#toldUntil(owner, frame.until);
        return;
      case 'askSessionAcks': {
        const sessions = this.#host.sessionAcks(frame);
        owner.messages.send({ t: 'sessionAcks', call: frame.call, sessions }, 64 + 100 * sessions.length);
        return;
      }
      case 'reset':
        owner.epoch = frame.epoch;
        this.#host.epoch(frame.epoch);
        return;
      case 'presence':
        // Whose it was before may tell of it yet, and knows less: an edge may be lost to it alone.
        if (this.links.ownerOf(frame.userId) === owner) this.#host.news(frame);
        return;
      default:
        this.#host.news(frame);
    }
  }

  #toldUntil(owner: OwnerLink, until: ToldUntil): void {
    // What came and could not be given to anybody yet is asked for on this link alone.
    if (this.#questions.open(owner)) return;
    this.#told.delete(owner.nodeId);
    this.#told.set(owner.nodeId, until);
    const [oldest] = this.#told.keys();
    if (this.#told.size > mostTold && oldest !== undefined) this.#told.delete(oldest);
  }

  /** The session need not wait for this node any more. */
  #registered(owner: OwnerLink, no: number): void {
    const waiting = this.#registering.get(no);
    if (waiting === undefined) return;
    waiting.asked.delete(owner);
    if (waiting.asked.size > 0) return;
    this.#registering.delete(no);
    waiting.session.markRegistered();
  }

  /** Asks the present owners of orphaned rooms to tell of them, a part at a time, until they do. */
  #adopt(): void {
    clearTimeout(this.#adopting);
    if (this.#orphans.size === 0 || this.#audiences.size === 0) return;
    const nowMs = this.#host.clock.monotonicMs();
    let asked = 0;
    for (const [room, dueMs] of this.#orphans) {
      const { convId } = room;
      if (room.owner !== undefined || this.#host.rooms().get(convId) !== room) {
        this.#orphans.delete(room);
        continue;
      }
      if (dueMs > nowMs) continue;
      if (asked === adoptAtOnce) break;
      asked += 1;
      this.#orphans.set(room, nowMs + adoptAgainMs);
      this.links.toOwner({ t: 'audienceUnknown', audience: 0, convId, seq: room.last + 1 });
    }
    if (this.#orphans.size > 0) {
      this.#adopting = setTimeout(() => this.#adopt(), adoptEveryMs);
      this.#adopting.unref();
    }
  }
}

function sessionUp({ no, userId, deviceId }: Session, ageMs: number): EdgeFrame {
  return { t: 'sessionUp', session: no, userId, deviceId, ageMs };
}
