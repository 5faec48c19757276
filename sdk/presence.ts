/** The server's limit. */
const maxWatched = 500;

export interface PresenceState {
  readonly online: boolean;
  readonly lastSeenAtMs: number;
}

/**
 * Whose presence the application asks for, and what is known of it. Bounded: who was asked for longest ago is no
 * longer watched when there are too many.
 */
export class Presences {
  readonly #watched = new Map<string, PresenceState | undefined>();
  #changed = false;

  /** What is known. Watches from now on; `takeChange` then says that the server has to hear of it. */
  of(userId: string): PresenceState | undefined {
    const known = this.#watched.get(userId);
    if (this.#watched.has(userId)) {
      // Asked for last is forgotten last.
      this.#watched.delete(userId);
      this.#watched.set(userId, known);
      return known;
    }
    if (this.#watched.size >= maxWatched) {
      const [eldest] = this.#watched.keys();
      this.#watched.delete(eldest as string);
    }
    this.#watched.set(userId, undefined);
    this.#changed = true;
    return undefined;
  }

  /** Answers whether anybody asked for this user. */
  heard(userId: string, state: PresenceState): boolean {
    if (!this.#watched.has(userId)) return false;
    this.#watched.set(userId, state);
    return true;
  }

  /** The session is gone: nothing is known any more, and the next session has to hear whom to watch. */
  lost(): void {
    for (const userId of this.#watched.keys()) this.#watched.set(userId, undefined);
    this.#changed = this.#watched.size > 0;
  }

  /** The list for a watch command, when it changed. */
  takeChange(): string[] | undefined {
    if (!this.#changed) return undefined;
    this.#changed = false;
    return [...this.#watched.keys()];
  }
}
