import type { Clock } from '../../core/clock.ts';
import type { UserId } from '../../core/ids.ts';
import type { SessionDirectory, SessionKey, SessionRecord } from '../../ports/directory.ts';

const readAtMost = 1_000;

interface Held {
  readonly session: SessionRecord;
  readonly endsAtMs: number;
}

/** Sessions in this process: as many as it has. */
export class MemorySessions implements SessionDirectory {
  readonly ttlMs: number;
  readonly #clock: Clock;
  readonly #byUser = new Map<UserId, Map<string, Held>>();
  #sweptAtMs: number;

  constructor({ clock, sessionTtlMs }: { readonly clock: Clock; readonly sessionTtlMs: number }) {
    this.#clock = clock;
    this.ttlMs = sessionTtlMs;
    this.#sweptAtMs = clock.monotonicMs();
  }

  async put(sessions: readonly SessionRecord[]): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#sweptAtMs >= this.ttlMs) this.#sweep(nowMs);
    for (const session of sessions) {
      let own = this.#byUser.get(session.userId);
      if (own === undefined) {
        own = new Map();
        this.#byUser.set(session.userId, own);
      }
      own.set(keyOf(session), { session, endsAtMs: nowMs + this.ttlMs });
    }
  }

  async remove(sessions: readonly SessionKey[]): Promise<void> {
    for (const session of sessions) {
      const own = this.#byUser.get(session.userId);
      own?.delete(keyOf(session));
      if (own?.size === 0) this.#byUser.delete(session.userId);
    }
  }

  async of(userId: UserId): Promise<readonly SessionRecord[]> {
    return this.#live(userId)
      .map(({ session }) => session)
      .slice(0, readAtMost);
  }

  async count(users: readonly UserId[]): Promise<readonly number[]> {
    return users.map((userId) => Math.min(this.#live(userId).length, readAtMost));
  }

  #live(userId: UserId): readonly Held[] {
    const nowMs = this.#clock.monotonicMs();
    return [...(this.#byUser.get(userId)?.values() ?? [])].filter(({ endsAtMs }) => endsAtMs > nowMs);
  }

  /** Those that nobody took out. */
  #sweep(nowMs: number): void {
    this.#sweptAtMs = nowMs;
    for (const [userId, own] of this.#byUser) {
      for (const [key, { endsAtMs }] of own) if (endsAtMs <= nowMs) own.delete(key);
      if (own.size === 0) this.#byUser.delete(userId);
    }
  }
}

function keyOf({ nodeId, session }: SessionKey): string {
  return `${session} ${nodeId}`;
}
