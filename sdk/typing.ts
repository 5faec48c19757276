/** A typist is forgotten after this time without another word. */
const voidAfterMs = 6_000;
/** How often to say that the user is still typing. */
const repeatAfterMs = 3_000;
/** Typists remembered at a time; later ones are not shown. */
const maxTypists = 1_000;

/** Who types in which conversation, and what was said of the user's own typing. */
export class Typing {
  /** Conversation → user → when it is void. */
  readonly #typists = new Map<string, Map<string, number>>();
  /** Conversation → when the user's own typing was said last. */
  readonly #saidAtMs = new Map<string, number>();
  #count = 0;
  #dueMs = Number.POSITIVE_INFINITY;

  /** Somebody types, or stopped. Answers whether that changes who types. */
  heard(convId: string, userId: string, active: boolean, nowMs: number): boolean {
    const typists = this.#typists.get(convId);
    if (!active) return this.stopped(convId, userId);
    if (typists?.has(userId) !== true && this.#count >= maxTypists) return false;
    const untilMs = nowMs + voidAfterMs;
    this.#dueMs = Math.min(this.#dueMs, untilMs);
    if (typists === undefined) {
      this.#typists.set(convId, new Map([[userId, untilMs]]));
      this.#count += 1;
      return true;
    }
    const fresh = !typists.has(userId);
    if (fresh) this.#count += 1;
    typists.set(userId, untilMs);
    return fresh;
  }

  /** Whose message has come, types no more. Answers whether that changes who types. */
  stopped(convId: string, userId: string): boolean {
    const typists = this.#typists.get(convId);
    if (typists?.delete(userId) !== true) return false;
    this.#count -= 1;
    if (typists.size === 0) this.#typists.delete(convId);
    return true;
  }

  in(convId: string): string[] {
    return [...(this.#typists.get(convId)?.keys() ?? [])];
  }

  dueMs(): number {
    return this.#dueMs;
  }

  /** Forgets whose time is over. Answers with the conversations that changed. */
  tick(nowMs: number): string[] {
    if (nowMs < this.#dueMs) return [];
    const changed: string[] = [];
    this.#dueMs = Number.POSITIVE_INFINITY;
    for (const [convId, typists] of this.#typists) {
      for (const [userId, untilMs] of typists) {
        if (untilMs > nowMs) this.#dueMs = Math.min(this.#dueMs, untilMs);
        else if (this.stopped(convId, userId)) changed.push(convId);
      }
    }
    return changed;
  }

  /** The session is gone. Answers with the conversations that changed. */
  clear(): string[] {
    const changed = [...this.#typists.keys()];
    this.#typists.clear();
    this.#saidAtMs.clear();
    this.#count = 0;
    this.#dueMs = Number.POSITIVE_INFINITY;
    return changed;
  }

  /** Whether the user's own typing is worth a command now. */
  say(convId: string, active: boolean, nowMs: number): boolean {
    const saidAtMs = this.#saidAtMs.get(convId);
    if (!active) return this.#saidAtMs.delete(convId);
    if (saidAtMs !== undefined && nowMs - saidAtMs < repeatAfterMs) return false;
    this.#saidAtMs.set(convId, nowMs);
    return true;
  }
}
