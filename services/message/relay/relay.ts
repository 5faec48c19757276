import { backoffMs } from '../../core/backoff.ts';
import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/log.ts';
import type { Span } from '../../core/span.ts';
import { within } from '../../core/within.ts';
import { type EventLog, EventLogError, type LogEvent } from '../../ports/event-log.ts';
import type { MessageStore } from '../../ports/message-store.ts';
import type { OutboxRow } from '../../ports/outbox.ts';
import { type RelayBatch, RelayQueue } from './relay-queue.ts';
import { type KeepLimits, type RelayOutbox, RowKeeper } from './row-keeper.ts';
import { readRow, sizeOf } from './row-events.ts';

export interface RelayParts {
  /** Undefined where nobody wants to hear of events: rows of the outbox are kept all the same, for forwarding. */
  readonly events: Pick<EventLog, 'publish'> | undefined;
  readonly outbox: RelayOutbox;
  readonly store: Pick<MessageStore, 'range'>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly limits?: Partial<RelayBounds>;
}

export interface RelayBounds extends KeepLimits {
  readonly queueBytes: number;
  readonly publishBytes: number;
}

const bounds: RelayBounds = {
  queueBytes: 8 * 1024 * 1024,
  publishBytes: 512 * 1024,
  keepMs: 5_000,
  keepRows: 100_000,
};
const retry = { firstMs: 50, maxMs: 5_000 };
const pageRows = 200;
/** A page of rows is cut when its events have this size. */
const pageBytes = 2 * 1024 * 1024;
const tidyMs = 1_000;
/** Pages of rows that are removed at a time: what waits to be published waits for that. */
const tidyPages = 10;

/** Events that are looked for one by one in what the log refuses; where there are more, it refuses whatever it is. */
const mostCulprits = 16;

/** What the log will never take of one publish, and why, as it said first. */
interface Refusals {
  readonly events: Set<LogEvent>;
  error: unknown;
}

/** What a relay counts. */
export interface RelayMeters {
  /** Events that were published. */
  published: number;
  /** Publishes and reads of the outbox that failed; each is tried again. */
  failed: number;
  /** Batches whose events will never be published: refused by the log, or because the outbox was full. */
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
  readonly #queue: RelayQueue;
  readonly #keeper: RowKeeper;
  #incarnation: string;
  /** Batches of which nobody knows whether they were committed. */
  readonly #doubtful = new Set<bigint>();
  #running: Promise<void> | undefined;
  #tidiedAtMs = Number.NEGATIVE_INFINITY;
  readonly #tidier: NodeJS.Timeout;
  #wake: () => void = () => {};
  #stopped = false;

  constructor(parts: RelayParts) {
    this.#parts = parts;
    const limits = { ...bounds, ...parts.limits };
    const { outbox, clock, log } = parts;
    const { meters } = this;
    this.#queue = new RelayQueue(limits);
    this.#incarnation = outbox.incarnation();
    this.#keeper = new RowKeeper({ outbox, queue: this.#queue, clock, log, limits, meters });
    this.#tidier = setInterval(() => this.#go(), tidyMs);
    this.#tidier.unref();
  }

  /** Whether somebody wants to hear of events. */
  get publishes(): boolean {
    return this.#parts.events !== undefined;
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
  committed(batchId: bigint, events: readonly LogEvent[], spans?: readonly Span[]): void {
    if (this.#stopped) return;
    this.#renew();
    this.#queue.committed({ batchId, events, bytes: sizeOf(events), spans });
    this.#go();
  }

  /** A batch may have been committed, its outcome unknown for good: the outbox says, and what it says is forwarded. */
  uncertain(batchId: bigint): void {
    if (this.#stopped) return;
    this.#renew();
    this.#doubtful.add(batchId);
    this.#queue.uncertain(batchId);
    this.#keeper.doubt();
    this.#go();
  }

  /** Rows have become this run's that were another one's. */
  appeared(batchIds: readonly bigint[]): void {
    this.#renew();
    for (const batchId of batchIds) this.#queue.uncertain(batchId);
    this.#go();
  }

  /** Waits until all is published that was committed before, or until the deadline. */
  async drain(deadlineMs: number): Promise<void> {
    if (this.#running !== undefined) await within(deadlineMs, this.#running);
  }

  /** Publishes nothing more. What has not been published is in the outbox. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    clearInterval(this.#tidier);
    this.#wake();
    await this.#running;
    // So that as little as may be is published once more after the next start.
    await this.#keeper.tidy().catch(() => undefined);
  }

  #go(): void {
    if (!this.#stopped) this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    // What is committed in this turn of the event loop is published together.
    await new Promise<void>((resolve) => setImmediate(resolve));
    for (let attempt = 0; !this.#stopped; ) {
      this.#renew();
      try {
        // Under load there is always something to be published: rows go all the same.
        const untidy = (this.#isTidyDue || this.#queue.next().t === 'nothing') && (await this.#tidy());
        const step = this.#queue.next();
        if (step.t === 'publish') await this.#publish(step.batches);
        else if (step.t === 'read') await this.#read(step.after);
        else if (!untidy) break;
        attempt = 0;
      } catch (error) {
        this.meters.failed += 1;
        // What hangs with the store may land once it answers again.
        if (this.#doubtful.size > 0) this.#keeper.doubt();
        if (attempt === 0) {
          this.#parts.log.warn('events wait to be published', { 'event.action': 'relay-failed' }, error);
        }
        await this.#shed();
        await this.#pause(backoffMs(attempt, retry, this.#parts.random));
        attempt += 1;
      }
    }
    // In the same turn as the look at the queue: what is committed later begins a run of its own.
    this.#running = undefined;
  }

  get #isTidyDue(): boolean {
    return this.#parts.clock.monotonicMs() - this.#tidiedAtMs >= tidyMs;
  }

  /** Gives whether there is more to do. */
  async #tidy(): Promise<boolean> {
    this.#tidiedAtMs = this.#parts.clock.monotonicMs();
    let more = true;
    for (let page = 0; more && page < tidyPages; page += 1) more = await this.#keeper.tidy();
    this.#settle();
    return more;
  }

  async #publish(batches: readonly RelayBatch[]): Promise<void> {
    const { clock } = this.#parts;
    const refusals: Refusals = { events: new Set(), error: undefined };
    if (this.publishes)
      await this.#offer(
        batches.flatMap((batch) => batch.events),
        refusals,
      );
    if (refusals.events.size > 0) this.#refused(batches, refusals);
    for (const { spans } of batches) for (const span of spans ?? []) span.end();
    this.#queue.published(batches, clock.monotonicMs());
  }

  /**
   * Notes the events that the log will never take: trying again would hold up everything behind them for ever. Where it
   * refuses several they are halved until the culprit is alone, unless there are too many of those. Rejects where it takes
   * none now.
   */
  async #offer(events: readonly LogEvent[], refusals: Refusals): Promise<void> {
    if (events.length === 0) return;
    if (this.#stopped) throw new EventLogError('unavailable', 'the relay is stopped');
    try {
      await this.#parts.events?.publish(events);
      this.meters.published += events.length;
      return;
    } catch (error) {
      if (!(error instanceof EventLogError) || error.retryable) throw error;
      if (events.length === 1 || refusals.events.size >= mostCulprits) {
        refusals.error ??= error;
        for (const event of events) refusals.events.add(event);
        return;
      }
    }
    const middle = events.length >> 1;
    await this.#offer(events.slice(0, middle), refusals);
    await this.#offer(events.slice(middle), refusals);
  }

  #refused(batches: readonly RelayBatch[], { events, error }: Refusals): void {
    const lost = batches.filter((batch) => batch.events.some((one) => events.has(one)));
    this.meters.lost += lost.length;
    const fields = { 'event.action': 'events-refused', 'parley.events': events.size };
    this.#parts.log.error('the event log refuses events', fields, error);
    for (const { spans } of lost) for (const span of spans ?? []) span.fail('rejected');
  }

  async #read(after: bigint): Promise<void> {
    const { outbox, store } = this.#parts;
    const incarnation = this.#incarnation;
    const rows = await outbox.rows.rows(incarnation, after, pageRows);
    const page: RelayBatch[] = [];
    let bytes = 0;
    for (const row of rows) {
      if (bytes >= pageBytes) break;
      const batch = await this.#batchOf(store, row);
      page.push(batch);
      bytes += batch.bytes;
    }
    if (incarnation !== this.#incarnation) return;
    for (const row of rows) if (this.#doubtful.delete(row.batchId)) outbox.forward(row);
    this.#queue.read(after, page);
    this.#settle();
  }

  /** Of what is not found now, and can't land any more, nothing was committed. */
  #settle(): void {
    if (!this.#queue.behind && !this.#keeper.inDoubt) this.#doubtful.clear();
  }

  /** What is published, or nobody wants to hear of, is no more than its id here. */
  #batchOf(store: Pick<MessageStore, 'range'>, row: OutboxRow): Promise<RelayBatch> | RelayBatch {
    const { batchId } = row;
    if (this.#queue.knows(batchId) || !this.publishes) return { batchId, events: [], bytes: sizeOf([]) };
    return readRow(store, row);
  }

  /** While nothing can be published: keeps the outbox within its limit, if that can be reached. */
  async #shed(): Promise<void> {
    if (!this.#queue.behind) return;
    try {
      while (!this.#stopped && (await this.#keeper.shed()));
    } catch (error) {
      this.#parts.log.debug('the outbox is not reached', { 'error.message': String(error) });
    }
  }

  #renew(): void {
    const incarnation = this.#parts.outbox.incarnation();
    if (incarnation === this.#incarnation) return;
    this.#incarnation = incarnation;
    this.#queue.forget();
    this.#doubtful.clear();
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
