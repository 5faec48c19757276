/** A command that makes an entry, and has no final answer yet. */
export interface Pending {
  readonly clientId: string;
  readonly convId: string;
  /** Set while a direct conversation can't be named by its id yet. */
  readonly to: string | undefined;
  readonly text: string;
  /** When it was handed over for the first time, by performance.now(). */
  readonly madeAtMs: number;
  /** Number of the command under way on the open connection; 0 when none is. */
  commandId: number;
  /** Reason of the last refusal that was not for good; empty before one. */
  refusedAs: string;
}

/**
 * Sends that are not answered, in the order in which they were made. After a new connection all go again in that
 * order. A send that is refused for now waits until nothing of its conversation is under way, since the server refuses
 * what comes behind it, too; then they go again in their first order.
 */
export class Outbox {
  readonly #pending = new Map<string, Pending>();

  add(pending: Pending): void {
    this.#pending.set(pending.clientId, pending);
  }

  get size(): number {
    return this.#pending.size;
  }

  get inFlight(): number {
    let count = 0;
    for (const { commandId } of this.#pending.values()) if (commandId !== 0) count += 1;
    return count;
  }

  settled(pending: Pending): void {
    this.#pending.delete(pending.clientId);
  }

  /** The connection is gone: nothing is under way any more. */
  disconnected(): void {
    for (const pending of this.#pending.values()) pending.commandId = 0;
  }

  get all(): readonly Pending[] {
    return [...this.#pending.values()];
  }

  /** Refused sends of a conversation, once nothing else of it is under way. */
  readyAgain(convId: string): readonly Pending[] {
    const own = this.all.filter((pending) => pending.convId === convId);
    return own.every((pending) => pending.commandId === 0) ? own : [];
  }

  /** Whether something of the conversation was refused for now and waits. */
  isBlocked(convId: string): boolean {
    return this.all.some((pending) => pending.convId === convId && pending.commandId === 0);
  }
}
