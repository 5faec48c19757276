/** What was committed in one batch, kept beside it until it has been published. */
export interface BatchRow {
  readonly batchId: bigint;
  /** An encoded `parley.node.v1.CommittedBatch`. */
  readonly payload: Uint8Array;
}

/**
 * The outbox of a store: one row for each batch, written in its transaction. Every method may reject with a StoreError;
 * all may be called again.
 */
export interface BatchOutbox {
  /** Rows of an incarnation with a batch_id above `after`, ascending, at most `limit` (1–1,000) and 8 MiB; at least one where there is one. */
  read(incarnation: number, after: bigint, limit: number): Promise<readonly BatchRow[]>;
  /**
   * Deletes rows, at most 1,000; those that are gone are no error. For the incarnation's own rows in one statement that
   * is conditional on its worker lease: false, and nothing deleted, when that has lapsed.
   */
  remove(incarnation: number, batchIds: readonly bigint[]): Promise<boolean>;
  /** Incarnations that have rows and whose worker lease has lapsed, oldest first, at most `limit` (1–100). */
  lapsed(limit: number): Promise<readonly number[]>;
}
