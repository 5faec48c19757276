import type { UserId } from '../core/ids.ts';
import type { EdgePeer, EdgeSession } from './edge-peer.ts';

interface Device {
  readonly edge: EdgePeer;
  readonly session: EdgeSession;
}

export interface PresenceState {
  readonly userId: UserId;
  readonly online: boolean;
  readonly lastSeenAtMs: number;
}

/** How many users that went offline are remembered with the time of it. */
const maxLastSeen = 200_000;

/** Who is online, on which edges and with which devices: what the links say, nothing else. */
export class PresenceBook {
  readonly edges = new Set<EdgePeer>();
  readonly #online = new Map<UserId, Set<EdgePeer>>();
  readonly #devices = new Map<string, Device>();
  readonly #lastSeen = new Map<UserId, number>();
  readonly #watchers = new Map<UserId, Set<EdgePeer>>();

  /** A session came up. An older session of the same device is told that it is superseded. */
  up(edge: EdgePeer, session: EdgeSession): void {
    const key = deviceKey(session);
    const older = this.#devices.get(key);
    this.#devices.set(key, { edge, session });
    if (older !== undefined && (older.edge !== edge || older.session.no !== session.no)) {
      older.edge.send({ t: 'superseded', session: older.session.no });
    }
    if (!edge.add(session)) return;
    const edges = this.#online.get(session.userId);
    if (edges !== undefined) {
      edges.add(edge);
      return;
    }
    this.#online.set(session.userId, new Set([edge]));
    this.#lastSeen.delete(session.userId);
    this.#tellWatchers({ userId: session.userId, online: true, lastSeenAtMs: 0 });
  }

  /** A session went down. Returns its user when it was the last one on that edge. */
  down(edge: EdgePeer, no: number, nowMs: number): UserId | undefined {
    const removed = edge.remove(no);
    if (removed === undefined) return undefined;
    const { session, last } = removed;
    const key = deviceKey(session);
    if (this.#devices.get(key)?.session === session) this.#devices.delete(key);
    if (!last) return undefined;
    const edges = this.#online.get(session.userId);
    edges?.delete(edge);
    if (edges?.size === 0) {
      this.#online.delete(session.userId);
      this.#remember(session.userId, nowMs);
      this.#tellWatchers({ userId: session.userId, online: false, lastSeenAtMs: nowMs });
    }
    return session.userId;
  }

  state(userId: UserId): PresenceState {
    const online = this.#online.has(userId);
    return { userId, online, lastSeenAtMs: online ? 0 : (this.#lastSeen.get(userId) ?? 0) };
  }

  edgesOf(userId: UserId): Iterable<EdgePeer> {
    return this.#online.get(userId) ?? [];
  }

  watch(edge: EdgePeer, users: readonly UserId[]): void {
    for (const userId of users) {
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

function deviceKey(session: EdgeSession): string {
  return `${session.userId.length}:${session.userId}${session.deviceId}`;
}
