import type { UserId } from '../core/ids.ts';
import type { Session } from './session.ts';

/** Which sessions want to hear of whose presence; message nodes are asked for each user once. */
export class Watches {
  readonly #watchers = new Map<UserId, Set<Session>>();
  readonly #watch: (users: UserId[]) => void;
  readonly #unwatch: (users: UserId[]) => void;

  constructor(parts: { watch: (users: UserId[]) => void; unwatch: (users: UserId[]) => void }) {
    this.#watch = parts.watch;
    this.#unwatch = parts.unwatch;
  }

  /** Replaces a session's list. Returns users who were watched by others already: their presence is to be asked for. */
  replace(session: Session, users: ReadonlySet<UserId>): readonly UserId[] {
    const fresh: UserId[] = [];
    const shared: UserId[] = [];
    for (const user of users) {
      if (session.watched.has(user)) continue;
      const watchers = this.#watchers.get(user);
      if (watchers === undefined) {
        this.#watchers.set(user, new Set([session]));
        fresh.push(user);
      } else {
        watchers.add(session);
        shared.push(user);
      }
    }
    const dropped: UserId[] = [];
    for (const user of session.watched) {
      if (users.has(user)) continue;
      const watchers = this.#watchers.get(user);
      watchers?.delete(session);
      if (watchers?.size !== 0) continue;
      this.#watchers.delete(user);
      dropped.push(user);
    }
    session.watched = users;
    if (fresh.length > 0) this.#watch(fresh);
    if (dropped.length > 0) this.#unwatch(dropped);
    return shared;
  }

  users(): Iterable<UserId> {
    return this.#watchers.keys();
  }

  of(user: UserId): Iterable<Session> {
    return this.#watchers.get(user) ?? [];
  }
}
