import type { ClientClock } from './clock.ts';
import { Presences, type PresenceState } from './presence.ts';
import type { Session } from './session.ts';

/** Gathered for this long: a page that is drawn asks for many users, and marks many messages as read. */
const gatherMs = 50;

/** What the user looks at, as far as the server has to hear of it: messages that were read, users who are watched. */
export class Notices {
  readonly #clock: ClientClock;
  readonly #session: Session;
  readonly #presences = new Presences();
  readonly #reads = new Map<string, number>();
  #dueMs = Number.POSITIVE_INFINITY;

  constructor(options: { clock: ClientClock; session: Session }) {
    this.#clock = options.clock;
    this.#session = options.session;
  }

  read(convId: string, seq: number): void {
    this.#reads.set(convId, seq);
    this.#soon();
  }

  presence(userId: string): PresenceState | undefined {
    const known = this.#presences.of(userId, this.#clock.monotonicMs());
    if (known === undefined) this.#soon();
    return known;
  }

  /** Answers whether anybody asked for this user. */
  heard(userId: string, state: PresenceState): boolean {
    return this.#presences.heard(userId, state);
  }

  opened(): void {
    this.#soon();
  }

  lost(): void {
    this.#presences.lost();
  }

  /** Another user, or another log: what was read of the old one is no news. */
  void(): void {
    this.#reads.clear();
  }

  /** Infinite without a session: what is to be said then waits for `opened`. */
  dueMs(): number {
    return this.#session.online ? this.#dueMs : Number.POSITIVE_INFINITY;
  }

  tick(nowMs: number): void {
    if (nowMs < this.dueMs()) return;
    this.#dueMs = Number.POSITIVE_INFINITY;
    for (const [convId, seq] of this.#reads)
      this.#session.tell({ case: 'read', value: { convId, seq: BigInt(seq) } });
    this.#reads.clear();
    const userIds = this.#presences.takeChange();
    if (userIds !== undefined) this.#session.tell({ case: 'watch', value: { userIds } });
  }

  #soon(): void {
    this.#dueMs = Math.min(this.#dueMs, this.#clock.monotonicMs() + gatherMs);
  }
}
