import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { KeyRing } from '../../core/seal.ts';
import { StoreError } from '../../ports/message-store.ts';
import type {
  ArchiveRow,
  ArchiveTable,
  ImportState,
  StoreRecord,
  StoreTarget,
} from '../../ports/store-archive.ts';
import { haveAlone } from './alone.ts';
import { archiveRows, convIdsOf, estimateRows, hasRows, insertRows } from './archive-rows.ts';
import type { MySqlArchiveOptions } from './archive-source.ts';
import { Database } from './database.ts';
import { failureOf, refusal } from './failure.ts';
import { prepareSchema, secretName } from './schema.ts';
import type { Session } from './session.ts';
import { bytes, int, text } from './sql.ts';

const timeoutMs = 600_000;
const attemptsAtMost = 20;
const pauseMs = 20;

/** Opens a database to be filled; see StoreTarget. It must be there; tables are made where they aren't. */
export async function openMySqlTarget(options: MySqlArchiveOptions): Promise<StoreTarget> {
  const database = await Database.open({ config: options.config, requireDurable: false });
  let session: Session | undefined;
  try {
    session = await database.openSession('schema');
    await prepareSchema(session, new KeyRing(options.masterKeys), { importing: true });
    await haveAlone(session, options);
    return new MySqlTarget(session);
  } catch (error) {
    session?.end();
    throw refusal(error);
  } finally {
    await database.close();
  }
}

class MySqlTarget implements StoreTarget {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  begin(archiveId: string, record: StoreRecord): Promise<ImportState> {
    return this.#transact(async () => {
      const [found] = await this.#ask('SELECT archive_id, frames, epoch FROM store_import FOR UPDATE');
      const [id, frames, epoch] = found?.rows[0] ?? [];
      if (id !== undefined && String(id) === archiveId)
        return String(epoch) === ''
          ? { t: 'open', frames: Number(frames) }
          : { t: 'done', epoch: String(epoch) };
      if (id !== undefined && String(epoch) === '')
        throw new StoreError(
          'unavailable',
          'the import of another export into this database is not finished',
        );
      if (await hasRows(this.#session))
        throw new StoreError(
          'unavailable',
          'the database has conversations already: import into an empty one',
        );
      await this.#ask(takeOver(archiveId, record));
      return { t: 'open', frames: 0 };
    });
  }

  async write(frame: number, rows: readonly ArchiveRow[]): Promise<void> {
    await this.#transact(async () => {
      const statement = insertRows(rows, await convIdsOf(this.#session, rows));
      const results = await this.#ask(
        `${statement};UPDATE store_import SET frames = ${int(frame + 1)} WHERE frames = ${int(frame)} AND epoch = X''`,
      );
      if (results.at(-1)?.changed !== 1)
        throw new StoreError('unavailable', 'another import writes to this database');
    });
  }

  async finish(): Promise<string> {
    const epoch = randomBytes(16).toString('hex');
    await this.#transact(() =>
      this.#ask(
        `UPDATE store_epoch SET epoch = ${text(epoch)};UPDATE store_import SET epoch = ${text(epoch)}`,
      ),
    );
    return epoch;
  }

  async *rows(table: ArchiveTable, after: ArchiveRow | undefined): AsyncGenerator<readonly ArchiveRow[]> {
    try {
      yield* archiveRows(this.#session, table, after);
    } catch (error) {
      throw refusal(error);
    }
  }

  async estimate(): Promise<number> {
    return estimateRows(this.#session).catch((error: unknown) => {
      throw refusal(error);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#session.end();
  }

  /** Anew where something came in its way; on Galera whatever replicates may. */
  async #transact<T>(task: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#ask('ROLLBACK;START TRANSACTION');
        const result = await task();
        await this.#ask('COMMIT');
        return result;
      } catch (error) {
        if (failureOf(error) !== 'contended' || attempt === attemptsAtMost) throw refusal(error);
        await sleep(pauseMs);
      }
    }
  }

  #ask(sql: string) {
    return this.#session.query(sql, timeoutMs);
  }
}

/** A store that is empty but for its epoch becomes the one that was exported. */
function takeOver(archiveId: string, { secret, leases }: StoreRecord): string {
  const statements = [
    // Reserved times never go back: ids may have been drawn up to them.
    ...leases.map(
      ({ worker, holder, reservedUntilMs }) =>
        `UPDATE worker_lease SET holder = ${text(holder)}, reserved_until = ${int(reservedUntilMs)}
          WHERE worker = ${int(worker)} AND reserved_until < ${int(reservedUntilMs)}`,
    ),
    `UPDATE store_secret SET key_id = ${int(secret.keyId)}, sealed = ${bytes(secret.sealed)}
      WHERE name = ${text(secretName)}`,
    // Of batches of which nothing is left.
    'DELETE FROM outbox',
    // A server that was frozen all the while can't write any more.
    `UPDATE store_epoch SET epoch = ${text(randomBytes(16).toString('hex'))}`,
    `REPLACE INTO store_import (only_row, archive_id, frames, epoch) VALUES (1, ${text(archiveId)}, 0, X'')`,
  ];
  return statements.join(';');
}
