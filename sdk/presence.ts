/** The server's limit. */
const maxWatched = 500;

export interface PresenceState {
  readonly online: boolean;
  readonly lastSeenAtMs: number;
}

/** Who was asked for within this time is still looked at. */
const lookedAtMs = 10_000;

interface Watched {
  readonly state: PresenceState | undefined;
  readonly askedAtMs: number;
}

/**
 * Whose presence the application asks for, and what is known of it. Bounded: when there are too many, whoever was asked
 * for longest ago is no longer watched; where all of them are looked at, whoever comes next is not.
 */
export class Presences {
  /** Asked for last is last. */
  readonly #watched = new Map<string, Watched>();
  #changed = false;

  /** What is known. Watches from now on; `takeChange` then says that the server has to hear of it. */
  of(userId: string, nowMs: number): PresenceState | undefined {
    const known = this.#watched.get(userId);
    if (known === undefined) {
      if (!this.#room(nowMs)) return undefined;
      this.#changed = true;
    } else this.#watched.delete(userId);
    this.#watched.set(userId, { state: known?.state, askedAtMs: nowMs });
    return known?.state;
  }

  /** Whether another one may be watched. */
  #room(nowMs: number): boolean {
    if (this.#watched.size < maxWatched) return true;
    const [eldest] = this.#watched;
    if (eldest === undefined || nowMs - eldest[1].askedAtMs < lookedAtMs) return false;
    return this.#watched.delete(eldest[0]);
  }

  /** Answers whether anybody asked for this user. */
  heard(userId: string, state: PresenceState): boolean {
    const watched = this.#watched.get(userId);
    if (watched === undefined) return false;
    this.#watched.set(userId, { ...watched, state });
    return true;
  }

  /** The session is gone: nothing is known any more, and the next session has to hear whom to watch. */
  lost(): void {
    for (const [userId, watched] of this.#watched)
      this.#watched.set(userId, { ...watched, state: undefined });
    this.#changed = this.#watched.size > 0;
  }

  /** The list for a watch command, when it changed. */
  takeChange(): string[] | undefined {
    if (!this.#changed) return undefined;
    this.#changed = false;
    return [...this.#watched.keys()];
  }
}
