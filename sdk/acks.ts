/** One conversation, all up to a seq. */
export interface AckedUpTo {
  readonly convId: string;
  readonly seq: number;
}

/** Most conversations in one ack command. */
const maxItems = 256;

/**
 * What was received and is to be acknowledged: cumulative per conversation, at the latest after the server's interval
 * or its number of bytes, whichever comes first. Half of either is used, so that the way to the server has the rest.
 */
export class Acks {
  readonly #dirty = new Map<string, number>();
  #intervalMs = 250;
  #limitBytes = 128 * 1024;
  #bytes = 0;
  #dueMs = Number.POSITIVE_INFINITY;

  /** As Welcome says. What was not acknowledged to the session before is named in sync. */
  begin(policy: { readonly intervalMs: number; readonly bytes: number }): void {
    this.#intervalMs = Math.max(10, policy.intervalMs / 2);
    this.#limitBytes = Math.max(1_024, policy.bytes / 2);
    this.#dirty.clear();
    this.#bytes = 0;
    this.#dueMs = Number.POSITIVE_INFINITY;
  }

  /** A frame came. */
  received(bytes: number, nowMs: number): void {
    this.#bytes += bytes;
    if (this.#bytes >= this.#limitBytes && this.#dirty.size > 0) this.#dueMs = nowMs;
  }

  /** All entries of a conversation up to seq are in the log. */
  note(convId: string, seq: number, nowMs: number): void {
    this.#dirty.set(convId, seq);
    this.#dueMs = Math.min(this.#dueMs, this.#bytes >= this.#limitBytes ? nowMs : nowMs + this.#intervalMs);
  }

  /** When the next acknowledgement should go out, monotonic; infinite when there is nothing to acknowledge. */
  dueMs(): number {
    return this.#dueMs;
  }

  /** What to acknowledge now, in commands' worth; nothing before it is due. */
  take(nowMs: number): AckedUpTo[][] {
    if (nowMs < this.#dueMs) return [];
    const items = [...this.#dirty].map(([convId, seq]) => ({ convId, seq }));
    this.#dirty.clear();
    this.#bytes = 0;
    this.#dueMs = Number.POSITIVE_INFINITY;
    const commands: AckedUpTo[][] = [];
    for (let at = 0; at < items.length; at += maxItems) commands.push(items.slice(at, at + maxItems));
    return commands;
  }
}
