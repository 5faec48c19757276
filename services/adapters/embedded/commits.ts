import { writeSync } from 'node:fs';
import {
  type CommitBatch,
  type CommitOutcome,
  type ConversationCommit,
  StoreError,
} from '../../ports/message-store.ts';
import { timed } from '../../ports/timed.ts';
import type { Failpoints } from '../../core/failpoint.ts';
import type { ClientKeyFilter } from './client-keys.ts';
import type { Conversations } from './conversations.ts';
import type { Database } from './database.ts';
import { entryKey } from './keys.ts';
import { msgIdOfEntryRow } from './rows.ts';
import type { Level } from './level.ts';
import { outboxRow } from './outbox-rows.ts';
import type { Places } from './places.ts';
import { Staging } from './staging.ts';
import type { StoreEpoch } from './store-epoch.ts';

export interface CommitsOptions {
  readonly database: Database;
  readonly clientKeys: ClientKeyFilter;
  readonly conversations: Conversations;
  readonly places: Places;
  readonly epoch: StoreEpoch;
  readonly failpoints: Failpoints | undefined;
  /** Off only in tests that show what is lost without it. */
  readonly sync: boolean;
  /** Gets a line before each synced write. */
  readonly traceFd: number | undefined;
  /** How long a commit whose write failed may take to find out what became of it. */
  readonly settleWithinMs: number;
}

/** Writes batches, one after another: the caller never has two of them run at once. */
export class Commits {
  readonly #options: CommitsOptions;
  /** The batch whose write failed and of which nobody knows yet whether it happened. */
  #unsettled: bigint | undefined;

  constructor(options: CommitsOptions) {
    this.#options = options;
  }

  /** With an incarnation, its outbox gets a row with what is written. */
  async commit(batch: CommitBatch, incarnation?: string): Promise<CommitOutcome[]> {
    const { epoch, database, clientKeys, conversations, places } = this.#options;
    if (batch.epoch !== epoch.current)
      throw new StoreError('epoch', `the store's epoch is ${epoch.current}, not ${batch.epoch}`);
    const level = this.#level(batch);
    const staging = new Staging(level, conversations, clientKeys, places);
    try {
      const outcomes = await timed(batch, 'seal', () => this.#stage(staging, batch));
      this.#unsettled = undefined;
      // What needs no write is answered also while writes are refused: a resend gets its first result.
      if (!staging.empty) {
        database.assertWritable();
        if (incarnation !== undefined) {
          const spans = staging.staged.map(({ span }) => span);
          staging.rows.outbox(outboxRow(level, incarnation, batch.batchId, spans));
        }
        await timed(batch, 'write', () => this.#write(staging, batch));
      }
      return outcomes;
    } finally {
      await staging.rows.discard();
    }
  }

  #level(batch: CommitBatch): Level {
    const { database } = this.#options;
    try {
      if (database.state === 'reopening') database.assertWritable();
      return database.level;
    } catch (error) {
      // "Nothing was written" would be a guess while this very batch may stand in LevelDB's log.
      throw this.#unsettled === batch.batchId ? unknown(error) : error;
    }
  }

  async #stage(staging: Staging, batch: CommitBatch): Promise<CommitOutcome[]> {
    const { failpoints } = this.#options;
    const half = batch.conversations.length >>> 1;
    const outcomes: CommitOutcome[] = [];
    for (const [at, conversation] of batch.conversations.entries()) {
      if (failpoints !== undefined && at === half) await this.#hit('midBatch');
      outcomes.push(add(staging, conversation));
    }
    return outcomes;
  }

  async #write(staging: Staging, batch: CommitBatch): Promise<void> {
    const { conversations, failpoints, sync, traceFd } = this.#options;
    if (failpoints !== undefined) await this.#hit('beforeCommit');
    if (traceFd !== undefined) writeSync(traceFd, traceLine(staging, batch));
    try {
      await staging.rows.write(sync);
      await failpoints?.hit('afterCommit');
    } catch (cause) {
      await this.#settle(staging, batch, cause);
    }
    for (const { convNo, conversation } of staging.staged) conversations.set(convNo, conversation);
  }

  /** A failpoint before the write, whose error stands for a write that failed and left nothing. */
  async #hit(name: 'midBatch' | 'beforeCommit'): Promise<void> {
    try {
      await this.#options.failpoints?.hit(name);
    } catch (cause) {
      throw this.#options.database.failed(cause);
    }
  }

  /** Finds out whether a write that failed has happened: returns if it did, throws what to tell the caller if not. */
  async #settle(staging: Staging, batch: CommitBatch, cause: unknown): Promise<void> {
    const { conversations, database, settleWithinMs } = this.#options;
    this.#unsettled = batch.batchId;
    conversations.clear();
    const error = database.failed(cause);
    try {
      await database.readable(settleWithinMs);
    } catch {
      throw unknown(error);
    }
    const [first] = staging.staged;
    const [entry] = first?.entries ?? [];
    if (first === undefined || entry === undefined) throw error;
    // LevelDB's batch is atomic: one of its rows speaks for all.
    const value = database.level.getSync(entryKey(first.convNo, entry.seq));
    const written = value !== undefined && msgIdOfEntryRow(value) === entry.msgId;
    this.#unsettled = undefined;
    if (!written) throw error;
  }
}

/** What rows can't express can never be written. */
function add(staging: Staging, conversation: ConversationCommit): CommitOutcome {
  try {
    return staging.add(conversation);
  } catch (error) {
    if (error instanceof RangeError) throw new StoreError('rejected', error.message, error);
    throw error;
  }
}

function unknown(cause: unknown): StoreError {
  return new StoreError(
    'unknown',
    'the write failed, and the store could not be read yet to see how far it got',
    cause,
  );
}

/** `commit <batch id>` and `<conv no>:<seq>:<msg id>` for each entry, to be paired with the fdatasync that follows. */
function traceLine(staging: Staging, batch: CommitBatch): string {
  const entries = staging.staged.flatMap(({ convNo, entries: written }) =>
    written.map(({ seq, msgId }) => ` ${convNo}:${seq}:${msgId}`),
  );
  return `commit ${batch.batchId}${entries.join('')}\n`;
}
