import type { QueuedSend } from './pending.ts';
import type { PendingSend } from './types.ts';

interface Landed {
  readonly send: QueuedSend;
  readonly seq: number;
  readonly atMs: number;
}

/**
 * Sends that the server has acknowledged and whose entry is not in the log yet. Usually the entry comes with the same
 * frame; where it doesn't, the log is told that it exists.
 */
export class LandedSends {
  readonly #landed = new Map<string, Landed>();

  get size(): number {
    return this.#landed.size;
  }

  add(send: QueuedSend, seq: number, nowMs: number): void {
    this.#landed.set(send.clientId, { send, seq, atMs: nowMs });
  }

  /** The log of a conversation reaches to seq. */
  covered(convId: string, seq: number): void {
    for (const [clientId, one] of this.#landed)
      if (one.send.convId === convId && one.seq <= seq) this.#landed.delete(clientId);
  }

  /** What should have come long since. */
  overdue(nowMs: number, afterMs: number): { readonly convId: string; readonly seq: number }[] {
    return [...this.#landed.values()]
      .filter((one) => nowMs - one.atMs >= afterMs)
      .map((one) => ({ convId: one.send.convId, seq: one.seq }));
  }

  /** Shown like sends on their way: the log has the last word. */
  list(convId: string): PendingSend[] {
    const sends: PendingSend[] = [];
    for (const { send } of this.#landed.values())
      if (send.convId === convId) {
        const { clientId, text, createdAtMs } = send;
        sends.push({ clientId, convId, text, createdAtMs, status: 'pending', problem: '' });
      }
    return sends;
  }

  /** Those of one conversation, or all. */
  clear(convId?: string): void {
    for (const [clientId, { send }] of this.#landed)
      if (convId === undefined || send.convId === convId) this.#landed.delete(clientId);
  }
}
