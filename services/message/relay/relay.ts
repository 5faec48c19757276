import { decodeCommittedBatch } from '../../codec/committed-event.ts';
import { backoffMs } from '../../core/backoff.ts';
import type { Clock } from '../../core/clock.ts';
import type { ConvId } from '../../core/ids.ts';
import type { Logger } from '../../core/log.ts';
import { type EventLog, EventLogError, type LogEvent } from '../../ports/event-log.ts';
import type { BatchRow, BatchOutbox } from '../../ports/batch-outbox.ts';
import { type RelayBatch, RelayQueue } from './relay-queue.ts';

/** The outbox, where the store keeps one. */
export interface RelayOutbox {
  readonly rows: BatchOutbox;
  /** The node's incarnation now: it takes a new one when its worker lease has lapsed. */
  incarnation(): number;
  /** Whether every live edge is linked: rows stay while one isn't, for what they say may have to be forwarded. */
  linked(): boolean;
}

export interface RelayParts {
  readonly events: Pick<EventLog, 'publish'>;
  readonly outbox: RelayOutbox | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly limits?: Partial<RelayBounds>;
}

interface RelayBounds {
  readonly queueBytes: number;
  readonly publishBytes: number;
  /** Rows stay for this long after they were published. */
  readonly keepMs: number;
  /** Published rows in the outbox, at most: above it the oldest go, whoever is linked. */
  readonly keepRows: number;
}

const bounds: RelayBounds = {
  queueBytes: 8 * 1024 * 1024,
  publishBytes: 512 * 1024,
  keepMs: 5_000,
  keepRows: 100_000,
};
const retry = { firstMs: 50, maxMs: 5_000 };
const pageRows = 500;
const removeRows = 1_000;
const tidyMs = 1_000;
/** What a batch takes besides its events. */
const batchOverheadBytes = 128;

/** What a relay counts. */
export interface RelayMeters {
  /** Events that were published. */
  published: number;
  /** Publishes and reads of the outbox that failed; each is tried again. */
  failed: number;
  /** Batches whose events will never be published: refused by the log, or for want of room without an outbox. */
  lost: number;
  /** Rows removed although an edge was not linked, because there were too many. */
  forced: number;
}

/**
 * Publishes what was committed: in order per conversation, at least once, without holding up a commit. When the event
 * log can't be reached it tries again with growing pauses; what does not fit into memory meanwhile is read from the
 * outbox later.
 */
export class Relay {
  readonly meters: RelayMeters = { published: 0, failed: 0, lost: 0, forced: 0 };
  readonly #parts: RelayParts;
  readonly #bounds: RelayBounds;
  readonly #queue: RelayQueue;
  #incarnation: number;
  #running: Promise<void> | undefined;
  #tidier: NodeJS.Timeout | undefined;
  #wake: () => void = () => {};
  #stopped = false;

  constructor(parts: RelayParts) {
    this.#parts = parts;
    this.#bounds = { ...bounds, ...parts.limits };
    this.#queue = new RelayQueue(this.#bounds, parts.outbox !== undefined);
    this.#incarnation = parts.outbox?.incarnation() ?? 0;
    if (parts.outbox !== undefined) {
      this.#tidier = setInterval(() => this.#go(), tidyMs);
      this.#tidier.unref();
    }
  }

  /** Bytes of batches that wait in memory. */
  get waitingBytes(): number {
    return this.#queue.bytes;
  }

  /** Batches that wait: those in memory, and at least one when there are more in the outbox. */
  get lag(): number {
    return this.#queue.waiting + (this.#queue.behind ? 1 : 0);
  }

  /** Published rows that are still in the outbox. */
  get keptRows(): number {
    return this.#queue.kept;
  }

  /** A batch was committed: called after each commit, in the order of the commits of each conversation. Never throws. */
  committed(batchId: bigint, events: readonly LogEvent[]): void {
    if (this.#stopped) return;
    this.#renew();
    const bytes = events.reduce((sum, { value }) => sum + value.byteLength, batchOverheadBytes);
    this.#queue.committed({ batchId, events, bytes });
    if (this.#queue.lost > 0) {
      this.meters.lost += this.#queue.lost;
      this.#queue.lost = 0;
    }
    this.#go();
  }

  /** A batch may have been committed, its outcome unknown for good: the outbox says. */
  uncertain(batchId: bigint): void {
    if (this.#parts.outbox === undefined || this.#stopped) return;
    this.#queue.uncertain(batchId);
    this.#go();
  }

  /** Waits until all is published that was committed before, or until the deadline. */
  async drain(deadlineMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, deadlineMs);
    });
    await Promise.race([this.#running, deadline]);
    clearTimeout(timer);
  }

  /** Publishes nothing more. What has not been published is in the outbox, where there is one. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#tidier);
    this.#wake();
    await this.#running;
  }

  #go(): void {
    if (!this.#stopped) this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    // What is committed in this turn of the event loop is published together.
    await new Promise<void>((resolve) => setImmediate(resolve));
    for (let attempt = 0; !this.#stopped; ) {
      this.#renew();
      const step = this.#queue.next();
      try {
        if (step.t === 'publish') await this.#publish(step.batches);
        else if (step.t === 'read') await this.#read(step.after);
        else if (!(await this.#tidy())) break;
        attempt = 0;
      } catch (error) {
        this.meters.failed += 1;
        if (attempt === 0) {
          this.#parts.log.warn('events wait to be published', { 'event.action': 'relay-failed' }, error);
        }
        await this.#pause(backoffMs(attempt, retry, this.#parts.random));
        attempt += 1;
      }
    }
    // In the same turn as the look at the queue: what is committed later begins a run of its own.
    this.#running = undefined;
  }

  async #publish(batches: readonly RelayBatch[]): Promise<void> {
    const events = batches.flatMap((batch) => batch.events);
    try {
      await this.#parts.events.publish(events);
      this.meters.published += events.length;
    } catch (error) {
      if (!(error instanceof EventLogError) || error.retryable) throw error;
      // Trying again would hold up everything behind it for ever.
      this.meters.lost += batches.length;
      this.#parts.log.error('the event log refuses events', { 'event.action': 'events-refused' }, error);
    }
    this.#queue.published(batches, this.#parts.clock.monotonicMs());
  }

  async #read(after: bigint): Promise<void> {
    const { rows } = this.#parts.outbox as RelayOutbox;
    const incarnation = this.#incarnation;
    const page = await rows.read(incarnation, after, pageRows);
    if (incarnation === this.#incarnation) this.#queue.read(page.map((row) => batchOf(row)));
  }

  /** Removes rows whose time has come; whether there was anything to remove. */
  async #tidy(): Promise<boolean> {
    const { outbox, clock } = this.#parts;
    if (outbox === undefined) return false;
    const over = this.#queue.kept - this.#bounds.keepRows;
    const forced = over > 0 && !outbox.linked();
    if (!forced && !outbox.linked()) return false;
    const ids = forced
      ? this.#queue.removable(Number.POSITIVE_INFINITY, Math.min(over, removeRows))
      : this.#queue.removable(clock.monotonicMs() - this.#bounds.keepMs, removeRows);
    if (ids.length === 0) return false;
    const incarnation = this.#incarnation;
    // A lease that has lapsed leaves them to whoever adopts them; the node takes a new incarnation meanwhile.
    if (!(await outbox.rows.remove(incarnation, ids))) return false;
    if (forced) this.meters.forced += ids.length;
    if (incarnation === this.#incarnation) this.#queue.removed(ids);
    return true;
  }

  #renew(): void {
    const incarnation = this.#parts.outbox?.incarnation() ?? 0;
    if (incarnation === this.#incarnation) return;
    this.#incarnation = incarnation;
    this.#queue.forget();
  }

  #pause(ms: number): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** The events of a row. One that can't be read is a bug that no repetition cures: it counts as a batch without events. */
export function batchOf({ batchId, payload }: BatchRow): RelayBatch {
  const events = eventsOf(payload);
  return { batchId, events, bytes: payload.byteLength + batchOverheadBytes };
}

function eventsOf(payload: Uint8Array): LogEvent[] {
  try {
    return decodeCommittedBatch(payload).map(({ convId, value }) => ({ convId: convId as ConvId, value }));
  } catch {
    return [];
  }
}
