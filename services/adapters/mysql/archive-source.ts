import { KeyRing, type MasterKey } from '../../core/seal.ts';
import { StoreError } from '../../ports/message-store.ts';
import type { ArchiveRow, ArchiveTable, StoreRecord, StoreSource } from '../../ports/store-archive.ts';
import { type AloneParts, assertStillAlone, haveAlone } from './alone.ts';
import { archiveRows, estimateRows } from './archive-rows.ts';
import { Database } from './database.ts';
import { refusal } from './failure.ts';
import { prepareSchema, secretName } from './schema.ts';
import type { MySqlConfig } from './server.ts';
import type { Session } from './session.ts';
import { text } from './sql.ts';

export interface MySqlArchiveOptions extends AloneParts {
  readonly config: MySqlConfig;
  readonly masterKeys: readonly MasterKey[];
}

const timeoutMs = 60_000;

/** Opens the store in a database for reading; see StoreSource. Servers can't open it meanwhile. */
export async function openMySqlSource(options: MySqlArchiveOptions): Promise<StoreSource> {
  const database = await Database.open({ config: options.config, requireDurable: false });
  const sessions: Session[] = [];
  try {
    const own = await database.openSession('schema');
    sessions.push(own);
    await prepareSchema(own, new KeyRing(options.masterKeys), { mustExist: true });
    await haveAlone(own, options);
    const reader = await database.openSession('check');
    sessions.push(reader);
    await reader.query('START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY', timeoutMs);
    const record = await readRecord(reader);
    return new MySqlSource({ own, reader, record, nowMs: options.nowMs });
  } catch (error) {
    for (const session of sessions) session.end();
    throw refusal(error);
  } finally {
    await database.close();
  }
}

interface SourceParts {
  /** Has the database to itself. */
  readonly own: Session;
  /** Has the snapshot. */
  readonly reader: Session;
  readonly record: StoreRecord;
  readonly nowMs: () => number;
}

class MySqlSource implements StoreSource {
  readonly record: StoreRecord;
  readonly #parts: SourceParts;

  constructor(parts: SourceParts) {
    this.#parts = parts;
    this.record = parts.record;
  }

  async *rows(table: ArchiveTable, after: ArchiveRow | undefined): AsyncGenerator<readonly ArchiveRow[]> {
    try {
      yield* archiveRows(this.#parts.reader, table, after);
    } catch (error) {
      throw refusal(error);
    }
  }

  async estimate(): Promise<number> {
    return estimateRows(this.#parts.reader).catch((error: unknown) => {
      throw refusal(error);
    });
  }

  async assertAlone(): Promise<void> {
    try {
      await assertStillAlone(this.#parts.own, this.#parts.nowMs());
    } catch (error) {
      throw refusal(error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#parts.reader.end();
    this.#parts.own.end();
  }
}

/** What a store is besides its conversations. */
async function readRecord(session: Session): Promise<StoreRecord> {
  const [epochs, secrets, proofs, leases] = await session.query(
    [
      'SELECT epoch FROM store_epoch',
      `SELECT key_id, sealed FROM store_secret WHERE name = ${text(secretName)}`,
      'SELECT key_id, proof FROM key_proof ORDER BY key_id',
      "SELECT worker, holder, reserved_until FROM worker_lease WHERE holder <> X'' ORDER BY worker",
    ].join(';'),
    timeoutMs,
  );
  const [epoch] = epochs?.rows ?? [];
  const [secret] = secrets?.rows ?? [];
  if (epoch === undefined || secret === undefined)
    throw new StoreError('unavailable', 'the database has no epoch or no secret: not a store of Parley?');
  return {
    epoch: String(epoch[0]),
    secret: { keyId: Number(secret[0]), sealed: secret[1] as Buffer },
    proofs: (proofs?.rows ?? []).map(([keyId, proof]) => ({ keyId: Number(keyId), proof: proof as Buffer })),
    leases: (leases?.rows ?? []).map(([worker, holder, untilMs]) => ({
      worker: Number(worker),
      holder: String(holder),
      reservedUntilMs: Number(untilMs),
    })),
  };
}
