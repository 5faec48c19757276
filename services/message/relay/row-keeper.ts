import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/log.ts';
import type { Outbox, OutboxRow } from '../../ports/outbox.ts';
import type { RelayQueue } from './relay-queue.ts';

/** The outbox, where the store keeps one, as the relay sees it. */
export interface RelayOutbox {
  readonly rows: Outbox;
  /** The name of this run now: it takes another one when its worker lease has lapsed. */
  incarnation(): string;
  /** Whether every live edge is linked: rows stay while one isn't, for what they say may have to be forwarded. */
  linked(): boolean;
  /** Whether a row is yet to be forwarded: then it stays. */
  held(batchId: bigint): boolean;
  /** Has a row of this run forwarded; it is held until that is confirmed. */
  forward(row: OutboxRow): void;
}

export interface KeepLimits {
  /** Rows stay for this long after they were published. */
  readonly keepMs: number;
  /** Rows in the outbox, at most: above it the oldest go, published and forwarded to everybody or not. */
  readonly keepRows: number;
}

interface RowKeeperParts {
  readonly outbox: RelayOutbox;
  readonly queue: RelayQueue;
  readonly clock: Clock;
  readonly log: Logger;
  readonly limits: KeepLimits;
  readonly meters: { lost: number; forced: number };
}

const removeRows = 1_000;
/** How often the outbox is asked whether it has rows of which nobody was told. */
const compareMs = 30_000;
/**
 * For so long a write whose answer was lost may still be on its way, once the store answers again: twice as long as an answer
 * is usually waited for. So often the outbox is asked meanwhile.
 */
const doubtMs = 20_000;
const compareInDoubtMs = 1_000;

/** Removes rows of this run from the outbox when their time has come, or when there are too many. */
export class RowKeeper {
  readonly #parts: RowKeeperParts;
  #comparedMs: number;
  #inDoubtUntilMs = Number.NEGATIVE_INFINITY;

  constructor(parts: RowKeeperParts) {
    this.#parts = parts;
    this.#comparedMs = parts.clock.monotonicMs();
  }

  /** Rows may appear of which nobody will be told. */
  doubt(): void {
    this.#inDoubtUntilMs = this.#parts.clock.monotonicMs() + doubtMs;
  }

  /** Until it was looked once more after that time. */
  get inDoubt(): boolean {
    return this.#comparedMs < this.#inDoubtUntilMs;
  }

  /** Removes what was published and is old enough. Gives whether there may be more to do. */
  async tidy(): Promise<boolean> {
    const { outbox, queue, clock, limits, meters } = this.#parts;
    await this.#compare();
    const linked = outbox.linked();
    const over = queue.kept - limits.keepRows;
    if (!linked && over <= 0) return false;
    const ids = linked
      ? queue.removable(clock.monotonicMs() - limits.keepMs, removeRows)
      : queue.removable(Number.POSITIVE_INFINITY, Math.min(over, removeRows));
    const gone = await this.#remove(ids, linked ? limits.keepMs : 0);
    if (!linked) meters.forced += gone;
    return gone === removeRows;
  }

  /** Removes the oldest rows above the limit, published or not. Gives whether there may be more to do. */
  async shed(): Promise<boolean> {
    const { outbox, queue, clock, limits, meters, log } = this.#parts;
    const incarnation = outbox.incarnation();
    const count = await outbox.rows.count(incarnation, limits.keepRows + removeRows);
    if (count <= limits.keepRows) return false;
    const oldest = await outbox.rows.rows(incarnation, 0n, count - limits.keepRows);
    const batchIds = oldest.map(({ batchId }) => batchId).filter((batchId) => !outbox.held(batchId));
    const removal = { incarnation, batchIds, nowMs: clock.wallMs(), leastAgeMs: 0 };
    const left = new Set(await outbox.rows.remove(removal));
    const gone = batchIds.filter((batchId) => !left.has(batchId));
    const unpublished = queue.dropped(gone);
    meters.lost += unpublished;
    meters.forced += gone.length - unpublished;
    if (unpublished > 0)
      log.error('the outbox is full: its oldest rows go, and their events with them', {
        'event.action': 'events-lost',
        'parley.batches': unpublished,
      });
    return gone.length > 0 && count === limits.keepRows + removeRows;
  }

  async #remove(ids: readonly bigint[], leastAgeMs: number): Promise<number> {
    const { outbox, queue, clock } = this.#parts;
    const incarnation = outbox.incarnation();
    const batchIds = ids.filter((id) => !outbox.held(id));
    // A lease that has lapsed leaves them to whoever adopts them; the node takes a new incarnation meanwhile.
    const removal = { incarnation, batchIds, nowMs: clock.wallMs(), leastAgeMs };
    const left = new Set(batchIds.length === 0 ? [] : await outbox.rows.remove(removal));
    if (incarnation !== outbox.incarnation()) return 0;
    const gone = batchIds.filter((id) => !left.has(id));
    queue.removed(gone);
    return gone.length;
  }

  /** Whatever went wrong between a commit and its telling: a row that nobody was told of is found in the end. */
  async #compare(): Promise<void> {
    const { outbox, queue, clock } = this.#parts;
    const nowMs = clock.monotonicMs();
    const everyMs = this.inDoubt ? compareInDoubtMs : compareMs;
    if (nowMs - this.#comparedMs < everyMs) return;
    const known = queue.kept;
    const count = await outbox.rows.count(outbox.incarnation(), known + 1);
    this.#comparedMs = nowMs;
    if (count > known) queue.lookAgain();
  }
}
