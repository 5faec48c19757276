import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { openSecret, proofProblem, sealProof, sealSecret } from '../../core/key-proof.ts';
import type { KeyRing } from '../../core/seal.ts';
import { StoreError } from '../../ports/message-store.ts';
import { failureOf, refusal } from './failure.ts';
import { workerCount } from './leases.ts';
import type { Row, Session } from './session.ts';
import { bytes, int, text } from './sql.ts';

/** What a store is, besides its conversations. */
export interface StoreIdentity {
  readonly epoch: string;
  readonly clientKeySecret: Uint8Array;
}

/** `0001-tables.sql` leads from version 0 to 1. Append, never change: databases out there have run them. */
export const migrationsDirectory = new URL('./migrations/', import.meta.url);

const lockWaitSeconds = 60;
const statementTimeoutMs = 600_000;
const creationsAtMost = 10;
export const secretName = 'client_key_secret';

export interface SchemaUse {
  /** Rejects where there is no store yet, instead of making one. */
  readonly mustExist?: boolean;
  /** Opens also a store that an import has not finished. */
  readonly importing?: boolean;
}

/**
 * Brings the tables up to date, proves the master keys, and reads who the store is. Runs under a lock, so that of nodes
 * that start together one migrates and the others wait. On Galera such locks hold on one server only: there every
 * statement is one that may run twice.
 */
export async function prepareSchema(
  session: Session,
  keys: KeyRing,
  { mustExist = false, importing = false }: SchemaUse = {},
): Promise<StoreIdentity> {
  try {
    await lockSchema(session, lockWaitSeconds);
    if (
      mustExist &&
      (await session.query("SHOW TABLES LIKE 'store_epoch'", statementTimeoutMs))[0]?.rows.length === 0
    )
      throw new StoreError('unavailable', 'there is no store in this database');
    await migrate(session);
    if (!importing) await assertImported(session);
    await createStore(session, keys);
    const [proofs, secrets, epochs] = await select(
      session,
      'SELECT key_id, proof FROM key_proof',
      `SELECT key_id, sealed FROM store_secret WHERE name = ${text(secretName)}`,
      'SELECT epoch FROM store_epoch',
    );
    for (const [keyId, proof] of proofs ?? []) {
      const problem = proofProblem(keys, Number(keyId), proof as Buffer);
      if (problem !== undefined) throw new StoreError('unavailable', problem);
    }
    const [secret] = secrets ?? [];
    const [epoch] = epochs ?? [];
    if (secret === undefined || epoch === undefined)
      throw new StoreError('unavailable', 'the database has no epoch or no secret: not a store of Parley?');
    // Only now: a key that is not the store's own must not be proven by itself.
    await ask(session, addProofs(keys));
    return {
      epoch: String(epoch[0]),
      clientKeySecret: openSecret(keys, { keyId: Number(secret[0]), bytes: secret[1] as Buffer }),
    };
  } catch (error) {
    throw refusal(error);
  }
}

/**
 * Has the database to itself among all that open stores in it, until the session ends. Rejects with a StoreError
 * `unavailable` where others have it for longer than `waitSeconds`.
 */
export async function lockSchema(session: Session, waitSeconds: number): Promise<void> {
  const [locked] = await session.query(
    `SELECT GET_LOCK(CONCAT('parley.', LEFT(SHA2(DATABASE(), 256), 32)), ${int(waitSeconds)})`,
    statementTimeoutMs,
  );
  if (Number(locked?.rows[0]?.[0]) !== 1)
    throw new StoreError(
      'unavailable',
      `another process migrates, exports or imports this database; it was waited for ${waitSeconds} s`,
    );
}

async function assertImported(session: Session): Promise<void> {
  const [rows] = await select(session, "SELECT 1 FROM store_import WHERE epoch = X''");
  if (rows?.length === 0) return;
  throw new StoreError(
    'unavailable',
    'an import into this database is not finished: run `parley import` again, or begin with an empty database',
  );
}

async function migrate(session: Session): Promise<void> {
  const names = (await readdir(migrationsDirectory)).filter((name) => name.endsWith('.sql')).toSorted();
  await ask(
    session,
    `CREATE TABLE IF NOT EXISTS schema_version (version INT UNSIGNED NOT NULL PRIMARY KEY) ENGINE = InnoDB;
     CREATE TABLE IF NOT EXISTS schema_runs_with (version INT UNSIGNED NOT NULL PRIMARY KEY,
       oldest INT UNSIGNED NOT NULL) ENGINE = InnoDB`,
  );
  const [rows, floors] = await select(
    session,
    'SELECT COALESCE(MAX(version), 0) FROM schema_version',
    'SELECT version, oldest FROM schema_runs_with ORDER BY version DESC LIMIT 1',
  );
  const version = Number(rows?.[0]?.[0]);
  if (version > names.length) {
    const [newest, oldest] = floors?.[0] ?? [];
    if (Number(newest) === version && Number(oldest) <= names.length) return;
    throw new StoreError(
      'unavailable',
      `the database has tables of version ${version}, this program knows ${names.length}: start a newer one`,
    );
  }
  for (const [at, name] of names.entries()) {
    if (at < version) continue;
    const sql = await readFile(new URL(name, migrationsDirectory), 'utf8');
    await ask(session, sql);
    await ask(
      session,
      `INSERT IGNORE INTO schema_runs_with (version, oldest) VALUES (${int(at + 1)}, ${int(runsWith(sql) ?? at + 1)});
       INSERT IGNORE INTO schema_version (version) VALUES (${int(at + 1)})`,
    );
  }
}

/**
 * A migration may say `-- runs with: 3`: programs that know version 3 or later go on with the tables as it leaves them. So
 * nodes of the former program run, and start, beside those of the new one, and it can be gone back to.
 */
function runsWith(sql: string): number | undefined {
  const [, version] = /^-- runs with: (\d+)$/m.exec(sql) ?? [];
  return version === undefined ? undefined : Number(version);
}

/** Anew where another process, on another server of a Galera cluster, made the store at the same time. */
async function createStore(session: Session, keys: KeyRing): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await ask(session, createRows(keys));
      const [rows] = await select(session, 'SELECT 1 FROM store_epoch, store_secret');
      if (rows?.length === 1 || attempt === creationsAtMost) return;
    } catch (error) {
      if (failureOf(error) !== 'contended' || attempt === creationsAtMost) throw error;
      await ask(session, 'ROLLBACK');
    }
  }
}

/** What a new store begins with; leaves alone what is there. */
function createRows(keys: KeyRing): string {
  const { keyId, bytes: sealed } = sealSecret(keys, randomBytes(32));
  const workers = Array.from({ length: workerCount }, (_, worker) => `(${worker},X'',0)`).join(',');
  return [
    'START TRANSACTION',
    `INSERT IGNORE INTO store_epoch (only_row, epoch) VALUES (1, ${text(randomBytes(16).toString('hex'))})`,
    // The secret is sealed with a key: whoever makes it proves that key in the same transaction.
    `INSERT IGNORE INTO key_proof (key_id, proof) SELECT ${int(keyId)}, ${bytes(sealProof(keys, keyId))} FROM store_epoch
      WHERE NOT EXISTS (SELECT 1 FROM store_secret)`,
    `INSERT IGNORE INTO store_secret (name, key_id, sealed) VALUES (${text(secretName)}, ${int(keyId)}, ${bytes(sealed)})`,
    `INSERT IGNORE INTO worker_lease (worker, holder, reserved_until) VALUES ${workers}`,
    'COMMIT',
  ].join(';');
}

function addProofs(keys: KeyRing): string {
  const rows = keys.ids.map((keyId) => `(${int(keyId)}, ${bytes(sealProof(keys, keyId))})`);
  return `INSERT IGNORE INTO key_proof (key_id, proof) VALUES ${rows.join(',')}`;
}

async function ask(session: Session, sql: string): Promise<void> {
  await session.query(sql, statementTimeoutMs);
}

async function select(
  session: Session,
  ...statements: readonly string[]
): Promise<readonly (readonly Row[])[]> {
  const results = await session.query(statements.join(';'), statementTimeoutMs);
  return results.map(({ rows }) => rows);
}
