import {
  type CommitBatch,
  type CommitOutcome,
  type MessageStore,
  StoreError,
} from '../ports/message-store.ts';

/** Waits before a write is made again; false when there is no time for it any more. */
export type Pause = (attempt: number) => Promise<boolean>;

/**
 * Commits a batch; where it isn't known whether that happened, makes the identical write until it is. Once an outcome
 * was unknown, a store that says "not now, nothing was written" says so of its last try alone. Rejects with what the
 * store says of a batch of which nothing was written, and with `unknown` where there is no time left to find out.
 */
export async function writeBatch(
  store: MessageStore,
  batch: CommitBatch,
  pause: Pause,
): Promise<readonly CommitOutcome[]> {
  let doubtful = false;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await store.commit(batch);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      doubtful ||= error.kind === 'unknown';
      const passing = error.kind === 'unknown' || error.kind === 'unavailable' || error.kind === 'full';
      if (!doubtful || !passing) throw error;
      if (!(await pause(attempt))) throw new StoreError('unknown', error.message, error);
    }
  }
}
