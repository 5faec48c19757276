import type { ConvId, ConvNo, Seq } from '../core/ids.ts';

/** Entries that one batch committed in one conversation. */
export interface OutboxSpan {
  readonly convNo: ConvNo;
  readonly convId: ConvId;
  readonly firstSeq: Seq;
  readonly lastSeq: Seq;
}

/** What one batch committed: in the outbox from the commit on, until somebody says that it need not be any more. */
export interface OutboxRow {
  readonly batchId: bigint;
  /** When it was first written, in milliseconds since 1970, by the store's clock. */
  readonly createdAtMs: number;
  /** References of all its entries, and nothing of what they say; several of one conversation ascend. */
  readonly spans: readonly OutboxSpan[];
}

export interface OutboxRemoval {
  /** Whose rows they are: only who holds the worker lease of this name removes them. */
  readonly incarnation: string;
  /** At most 1,000. */
  readonly batchIds: readonly bigint[];
  readonly nowMs: number;
  /** Younger rows stay, by the store's clock. */
  readonly leastAgeMs: number;
}

export interface OutboxAdoption {
  readonly from: string;
  readonly by: string;
  /** At most 1,000. */
  readonly batchIds: readonly bigint[];
  readonly nowMs: number;
}

/**
 * The outbox of a store: which entries were committed, in rows that the commit itself writes. An *incarnation* is the
 * name under which a run of a node holds its worker lease (`MessageStore.leaseWorker`), and marks the rows it writes. It
 * has lapsed when no lease of that name is reserved at `nowMs` any more; in a store that belongs to one process, also
 * when the lease was taken by an earlier process. Every method may reject with a StoreError: `unavailable` when later
 * may work, `rejected` for what is out of bounds. All may be repeated.
 */
export interface Outbox {
  /**
   * Rows of an incarnation with a batch_id above `after`, ascending, at most `limit` (1–1,000). Commits that run at once
   * may appear in any order: a reader that only ever goes on from where it was misses rows.
   */
  rows(incarnation: string, after: bigint, limit: number): Promise<readonly OutboxRow[]>;

  /** Rows of an incarnation, at most `limit` (1–1,000,000) of them counted. */
  count(incarnation: string, limit: number): Promise<number>;

  /**
   * Removes rows that are old enough, where the lease of their incarnation is held. Gives those that are still its rows:
   * too young, or all of them where the lease is not held. What is not there, or is somebody else's, is no error.
   */
  remove(removal: OutboxRemoval): Promise<readonly bigint[]>;

  /** Incarnations that have rows and have lapsed, at most 1,000. */
  lapsed(nowMs: number): Promise<readonly string[]>;

  /**
   * Makes rows of a lapsed incarnation those of another one, which holds its lease: from then on it has to publish and
   * remove them, and if it dies, they are adopted again. Of many that try, one gets each row. Gives those of the rows
   * that are now the new one's, ascending.
   */
  adopt(adoption: OutboxAdoption): Promise<readonly bigint[]>;
}
