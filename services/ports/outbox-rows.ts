import type { ConvId, ConvNo, Seq } from '../core/ids.ts';

/** Entries that one batch committed in one conversation. */
export interface OutboxSpan {
  readonly convNo: ConvNo;
  readonly convId: ConvId;
  readonly firstSeq: Seq;
  readonly lastSeq: Seq;
}

/** Names a row. Rows ascend by batch id, then by part. */
export interface OutboxPosition {
  readonly batchId: bigint;
  /** 0 but for a batch that was written in several transactions. */
  readonly part: number;
}

/** What one transaction committed: it is in the outbox from the commit on, until somebody says it is published. */
export interface OutboxRow extends OutboxPosition {
  /** When it was written, in milliseconds, by the database's clock. */
  readonly createdAtMs: number;
  readonly spans: readonly OutboxSpan[];
}

export interface PublishedRows {
  /** Whose rows they are: only who holds the worker lease of this name deletes them. */
  readonly incarnation: string;
  /** At most 1,000. */
  readonly rows: readonly OutboxPosition[];
  readonly nowMs: number;
  /** Younger rows stay, by the database's clock. */
  readonly leastAgeMs: number;
}

export interface Adoption {
  readonly from: string;
  readonly by: string;
  /** At most 1,000. */
  readonly rows: readonly OutboxPosition[];
  readonly nowMs: number;
}

/**
 * The outbox of a store: which entries were committed, in rows that the commit itself writes. An *incarnation* is the
 * name under which a run of a node holds its worker lease (`MessageStore.leaseWorker`), and marks the rows it writes;
 * it is lapsed when no lease of that name is reserved at `nowMs` any more. Every method may reject with a StoreError
 * `unavailable`; all may be repeated.
 */
export interface OutboxRows {
  /**
   * Rows of an incarnation after a position, ascending, at most `limit` (1–1,000). Commits that run at once may appear
   * in any order: a reader that only ever goes on from where it was misses rows.
   */
  rows(incarnation: string, after: OutboxPosition | undefined, limit: number): Promise<readonly OutboxRow[]>;

  /** Rows of an incarnation, at most `limit` (1–1,000,000) of them counted. */
  count(incarnation: string, limit: number): Promise<number>;

  /** Deletes rows that are published and old enough. Gives how many: 0 where the lease is not held any more. */
  deletePublished(published: PublishedRows): Promise<number>;

  /** Incarnations that have rows and hold no lease, at most 1,000. */
  lapsed(nowMs: number): Promise<readonly string[]>;

  /**
   * Makes rows of a lapsed incarnation those of another one, which holds its lease: from then on it has to publish and
   * delete them, and if it dies, they are adopted again. Of many that try, one gets each row. Gives how many.
   */
  adopt(adoption: Adoption): Promise<number>;
}
