import type { Span } from '../../core/span.ts';
import type { LogEvent } from '../../ports/event-log.ts';

/** A committed batch on its way to the event log. */
export interface RelayBatch {
  readonly batchId: bigint;
  readonly events: readonly LogEvent[];
  readonly bytes: number;
  /** Of sampled entries, to be ended when it is published. What has to be read from the outbox is no longer traced. */
  readonly spans?: readonly Span[] | undefined;
}

export interface RelayLimits {
  /** Bytes of batches held in memory, at most. */
  readonly queueBytes: number;
  /** Batches of about so many bytes are published together. */
  readonly publishBytes: number;
}

/** What is to be done next. One thing at a time: that keeps the order. */
export type RelayStep =
  | { readonly t: 'publish'; readonly batches: readonly RelayBatch[] }
  /** Rows above this batch_id are to be read. */
  | { readonly t: 'read'; readonly after: bigint }
  | { readonly t: 'nothing' };

/**
 * Which batches are to be published, in which order. What is committed is published from memory while there is room for
 * it (live). When there is none, what was held is let go and read again from the outbox, from its beginning, until
 * nothing came in meanwhile (behind). Pure.
 *
 * A lane has one batch in the store's hands at a time, and batch_ids rise; but a row may appear below others that were
 * read already, because its lane took longer. So a reading ends at the newest batch that was committed when it began:
 * whatever follows a row that appears later was begun later and is beyond that, and waits for the next reading, which
 * finds both in order.
 */
export class RelayQueue {
  readonly #limits: RelayLimits;
  /** To be published before anything else, in order. */
  #waiting: RelayBatch[] = [];
  #bytes = 0;
  /** Published, with the time of it: not removed from the outbox yet. */
  readonly #published = new Map<bigint, number>();
  #behind = false;
  /** Whether something was committed since the reading began. */
  #missed = false;
  #after = 0n;
  /** The newest batch that was committed, and what it was when the reading began. */
  #newest = 0n;
  #until = 0n;

  constructor(limits: RelayLimits) {
    this.#limits = limits;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get behind(): boolean {
    return this.#behind;
  }

  /** Batches that wait in memory. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Published rows that are still in the outbox. */
  get kept(): number {
    return this.#published.size;
  }

  committed(batch: RelayBatch): void {
    if (batch.batchId > this.#newest) this.#newest = batch.batchId;
    // Its row was found before it was told.
    if (this.#published.has(batch.batchId)) return;
    if (this.#behind) {
      this.#missed = true;
      return;
    }
    if (this.#bytes + batch.bytes <= this.#limits.queueBytes) {
      this.#waiting.push(batch);
      this.#bytes += batch.bytes;
      return;
    }
    this.#catchUp();
  }

  /** Whether this batch was committed is not known: if there is a row of it, it is published. */
  uncertain(batchId: bigint): void {
    if (batchId > this.#newest) this.#newest = batchId;
    this.#catchUp();
  }

  /** Nothing waits, and the outbox has rows of which nobody was told: those up to the newest told are published. */
  lookAgain(): void {
    this.#catchUp();
  }

  /** Whether the batch is published. */
  knows(batchId: bigint): boolean {
    return this.#published.has(batchId);
  }

  /** Rows were taken out of the outbox before their time. Gives how many of them will never be published. */
  dropped(batchIds: readonly bigint[]): number {
    const waiting = new Set(this.#waiting.map(({ batchId }) => batchId));
    let lost = 0;
    for (const batchId of batchIds) if (!this.#published.delete(batchId) && !waiting.has(batchId)) lost += 1;
    return lost;
  }

  /** Takes everything from the outbox, from its beginning: what was read and waits is let go of, too. */
  #catchUp(): void {
    this.#behind = true;
    this.#missed = true;
    this.#waiting = [];
    this.#bytes = 0;
    this.#after = 0n;
  }

  /** What is published stays in front until `published` says so. */
  next(): RelayStep {
    if (this.#waiting.length > 0) {
      let [count, bytes] = [0, 0];
      while (count < this.#waiting.length && (count === 0 || bytes < this.#limits.publishBytes)) {
        bytes += (this.#waiting[count] as RelayBatch).bytes;
        count += 1;
      }
      return { t: 'publish', batches: this.#waiting.slice(0, count) };
    }
    if (!this.#behind) return { t: 'nothing' };
    if (this.#after === 0n) {
      this.#missed = false;
      this.#until = this.#newest;
    }
    return { t: 'read', after: this.#after };
  }

  /**
   * A page of rows was read, after what `next` said; an empty one when there are no more. One that continues a reading
   * that has begun anew meanwhile is passed over: what is before it was let go of.
   */
  read(after: bigint, rows: readonly RelayBatch[]): void {
    if (!this.#behind || after !== this.#after) return;
    const within = rows.filter(({ batchId }) => batchId <= this.#until);
    for (const row of within) {
      if (this.#published.has(row.batchId)) continue;
      this.#waiting.push(row);
      this.#bytes += row.bytes;
    }
    const last = within.at(-1);
    if (last !== undefined && within.length === rows.length) this.#after = last.batchId;
    else {
      this.#after = 0n;
      this.#behind = this.#missed;
    }
  }

  /** The batches are in the log. */
  published(batches: readonly RelayBatch[], nowMs: number): void {
    const done = new Set(batches);
    this.#waiting = this.#waiting.filter((batch) => !done.has(batch));
    this.#bytes = this.#waiting.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const { batchId } of batches) this.#published.set(batchId, nowMs);
  }

  /** Rows that were published at or before this time, oldest first, at most `limit`. */
  removable(untilMs: number, limit: number): bigint[] {
    const ids: bigint[] = [];
    for (const [batchId, atMs] of this.#published) {
      if (ids.length === limit || atMs > untilMs) break;
      ids.push(batchId);
    }
    return ids;
  }

  removed(batchIds: readonly bigint[]): void {
    for (const batchId of batchIds) this.#published.delete(batchId);
  }

  /** A new incarnation begins: rows of the old one are for whoever adopts them. */
  forget(): void {
    this.#waiting = [];
    this.#bytes = 0;
    this.#published.clear();
    this.#behind = false;
    this.#after = 0n;
  }
}
