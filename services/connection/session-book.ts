import { Fault } from '../core/fault.ts';
import type { UserId } from '../core/ids.ts';
import type { Session } from './session.ts';

/** The sessions of this node, by number and by user. */
export class SessionBook {
  readonly #byNumber = new Map<number, Session>();
  readonly #byUser = new Map<UserId, Set<Session>>();
  readonly #maxPerUser: number;

  constructor({ maxPerUser }: { maxPerUser: number }) {
    this.#maxPerUser = maxPerUser;
  }

  get size(): number {
    return this.#byNumber.size;
  }

  get users(): number {
    return this.#byUser.size;
  }

  add(session: Session): void {
    this.#byNumber.set(session.no, session);
  }

  get(no: number): Session | undefined {
    return this.#byNumber.get(no);
  }

  /** A copy: sessions may end while it is walked. */
  all(): readonly Session[] {
    return [...this.#byNumber.values()];
  }

  /** Those that still sign in among them, so that what is revoked finds them. */
  of(userId: UserId): Iterable<Session> {
    return this.#byUser.get(userId) ?? [];
  }

  /** Those that may hear what is their user's: whether one that signs in may, is yet to be found out. */
  *signedInOf(userId: UserId): Iterable<Session> {
    for (const session of this.of(userId)) if (session.signedIn) yield session;
  }

  /** The session is its user's from now on. Throws `tooManyConnections`. */
  signIn(session: Session): void {
    let own = this.#byUser.get(session.userId);
    if (own === undefined) {
      own = new Set();
      this.#byUser.set(session.userId, own);
    }
    // A device that comes again takes the place of its former session, which may not know yet that it is dead.
    if (own.size >= this.#maxPerUser && ![...own].some((other) => other.deviceId === session.deviceId)) {
      throw new Fault('tooManyConnections', { message: 'too many sessions of this user' });
    }
    own.add(session);
  }

  remove(session: Session): void {
    this.#byNumber.delete(session.no);
    const own = this.#byUser.get(session.userId);
    own?.delete(session);
    if (own?.size === 0) this.#byUser.delete(session.userId);
  }
}
