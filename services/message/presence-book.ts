import type { UserId } from '../core/ids.ts';
import type { SessionNo } from '../peer/edge-frames.ts';
import type { EdgePeer } from './edge-peer.ts';
import type { EdgeSession } from './edge-session.ts';

export interface PresenceState {
  readonly userId: UserId;
  readonly online: boolean;
  readonly lastSeenAtMs: number;
}

/** What links that stand still for as long as they may, and the time that a snapshot takes, can make of an order. */
const unsureOrderMs = 5_000;

/** How many users that went offline are remembered with the time of it. */
const maxLastSeen = 200_000;

/** Who is online, on which edges and with which devices: what the links say, nothing else. */
export class PresenceBook {
  readonly edges = new Set<EdgePeer>();
  /** The newest session of each user who is online; the others hang on it, one by one: few users have many. */
  readonly #newest = new Map<UserId, EdgeSession>();
  readonly #lastSeen = new Map<UserId, number>();
  readonly #watchers = new Map<UserId, Set<EdgePeer>>();

  /**
   * A session is up: it has just signed in, or an edge that was linked names it in its snapshot. Of two of one device the one
   * that signed in earlier is told that it is superseded, whichever this node has heard of first: an edge that was cut off
   * names whom it had, and of a sign-in that its client has given up since a slow link may tell last. Where it isn't sure
   * both stay: who is superseded does not come again, and a session that nobody speaks on ends by itself.
   */
  up(session: EdgeSession): void {
    const { edge, no, userId } = session;
    // Told twice it is there once.
    if (edge.sessions.has(no)) return;
    const newest = this.#newest.get(userId);
    let isSuperseded = false;
    for (let other = newest; other !== undefined; other = other.older) {
      // One that is named again is itself: the link on which it was named before may not be known to be gone.
      if (!other.sameDevice(session) || other.isSameAs(session)) continue;
      const older = olderOf(session, other);
      if (older === session) isSuperseded = true;
      else older?.edge.send({ t: 'superseded', session: older.no });
    }
    if (isSuperseded) edge.send({ t: 'superseded', session: no });
    this.#link(session, newest);
    edge.sessions.set(no, session);
    if (newest !== undefined) return;
    this.#lastSeen.delete(userId);
    this.#tellWatchers({ userId, online: true, lastSeenAtMs: 0 });
  }

  /** A session went down. Returns its user when it was the last one on that edge. */
  down(edge: EdgePeer, no: SessionNo, nowMs: number): UserId | undefined {
    const session = edge.sessions.get(no);
    if (session === undefined) return undefined;
    edge.sessions.delete(no);
    const { userId } = session;
    this.#unlink(session);
    if (this.isOn(edge, userId)) return undefined;
    if (!this.#newest.has(userId)) {
      this.#remember(userId, nowMs);
      this.#tellWatchers({ userId, online: false, lastSeenAtMs: nowMs });
    }
    return userId;
  }

  state(userId: UserId): PresenceState {
    const online = this.#newest.has(userId);
    return { userId, online, lastSeenAtMs: online ? 0 : (this.#lastSeen.get(userId) ?? 0) };
  }

  /** Whether a user has a session on an edge. */
  isOn(edge: EdgePeer, userId: UserId): boolean {
    return find(this.#newest.get(userId), (one) => one.edge === edge) !== undefined;
  }

  /** Whether a user has a session on an edge that signed in before this time, by the monotonic clock in milliseconds. */
  isOnSince(edge: EdgePeer, userId: UserId, beforeMs: number): boolean {
    return find(this.#newest.get(userId), (one) => one.edge === edge && one.sinceMs < beforeMs) !== undefined;
  }

  edgesOf(userId: UserId): ReadonlySet<EdgePeer> {
    const edges = new Set<EdgePeer>();
    for (let one = this.#newest.get(userId); one !== undefined; one = one.older) edges.add(one.edge);
    return edges;
  }

  watch(edge: EdgePeer, users: readonly UserId[]): void {
    for (const userId of users) {
      // An answer has overfilled its link.
      if (edge.isDown) return;
      edge.watched.add(userId);
      const watchers = this.#watchers.get(userId);
      if (watchers === undefined) this.#watchers.set(userId, new Set([edge]));
      else watchers.add(edge);
      edge.send({ t: 'presence', ...this.state(userId) });
    }
  }

  unwatch(edge: EdgePeer, users: Iterable<UserId>): void {
    for (const userId of users) {
      edge.watched.delete(userId);
      const watchers = this.#watchers.get(userId);
      watchers?.delete(edge);
      if (watchers?.size === 0) this.#watchers.delete(userId);
    }
  }

  /** Among its user's, before those that did not sign in later. */
  #link(session: EdgeSession, newest: EdgeSession | undefined): void {
    let newer: EdgeSession | undefined;
    let older = newest;
    while (older !== undefined && older.sinceMs > session.sinceMs) {
      newer = older;
      older = older.older;
    }
    session.older = older;
    if (newer === undefined) this.#newest.set(session.userId, session);
    else newer.older = session;
  }

  #unlink(session: EdgeSession): void {
    const newest = this.#newest.get(session.userId);
    if (newest !== session) {
      const newer = find(newest, (one) => one.older === session);
      if (newer !== undefined) newer.older = session.older;
    } else if (session.older === undefined) this.#newest.delete(session.userId);
    else this.#newest.set(session.userId, session.older);
    session.older = undefined;
  }

  #tellWatchers(state: PresenceState): void {
    for (const edge of this.#watchers.get(state.userId) ?? []) edge.send({ t: 'presence', ...state });
  }

  #remember(userId: UserId, nowMs: number): void {
    if (this.#lastSeen.size >= maxLastSeen) {
      const [oldest] = this.#lastSeen.keys();
      if (oldest !== undefined) this.#lastSeen.delete(oldest);
    }
    this.#lastSeen.set(userId, nowMs);
  }
}

/** The one that has signed in earlier for sure. An edge counts its own; what others say comes at the pace of their links. */
function olderOf(one: EdgeSession, other: EdgeSession): EdgeSession | undefined {
  if (one.edge === other.edge) return one.no < other.no ? one : other;
  if (one.sinceMs + unsureOrderMs < other.sinceMs) return one;
  return other.sinceMs + unsureOrderMs < one.sinceMs ? other : undefined;
}

/** The first session of a user for which something holds, from the newest on. */
function find(
  newest: EdgeSession | undefined,
  holds: (session: EdgeSession) => boolean,
): EdgeSession | undefined {
  let one = newest;
  while (one !== undefined && !holds(one)) one = one.older;
  return one;
}
