import { StoreError, type WorkerLease } from '../../ports/message-store.ts';
import type { HeldWorker } from '../../ports/worker-leases.ts';
import type { Database } from './database.ts';
import { failureOf, refusal } from './failure.ts';
import type { SessionPool } from './pool.ts';
import type { Session } from './session.ts';
import { bytes, int, text } from './sql.ts';

/** Worker numbers fit ten bits of an id. */
export const workerCount = 1024;

const attempts = 10;

/**
 * The leases of worker numbers; see `MessageStore.leaseWorker`. Whoever asks locks row 0 first, so that one decides
 * after the other. On Galera locks do not reach other servers: there the one that is certified later begins anew, and so
 * does one whose row has been changed by what was replicated in between. Of numbers that nobody has had any may come: a
 * database that was put back to an older state knows nothing of those given out since, which nodes go on using until
 * they next renew their leases.
 */
export class Leases {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async lease(holder: string, nowMs: number, untilMs: number): Promise<WorkerLease> {
    if (holder === '') throw new StoreError('rejected', 'a lease needs a holder');
    try {
      const { leases } = this.#database;
      return await transact(this.#database, leases, (session) =>
        this.#lease(session, holder, nowMs, untilMs),
      );
    } catch (error) {
      throw refusal(error);
    }
  }

  async #lease(session: Session, holder: string, nowMs: number, untilMs: number): Promise<WorkerLease> {
    const timeoutMs = this.#database.readTimeoutMs;
    const [, own, free] = await session.query(
      [
        'SELECT worker FROM worker_lease WHERE worker = 0 FOR UPDATE',
        `SELECT worker, holder, reserved_until FROM worker_lease WHERE holder = ${text(holder)}`,
        `SELECT worker, holder, reserved_until FROM worker_lease WHERE holder = X'' OR reserved_until < ${int(nowMs)}
          ORDER BY holder <> X'', reserved_until, RAND() LIMIT 1`,
      ].join(';'),
      timeoutMs,
    );
    const [mine] = own?.rows ?? [];
    const [worker, before, reserved] = mine ?? free?.rows[0] ?? [];
    if (worker === undefined)
      throw new StoreError('unavailable', `all ${workerCount} worker numbers of the id library are taken`);
    // A reserved time never goes back: ids up to it may have been drawn.
    const reservedUntilMs = mine === undefined ? untilMs : Math.max(untilMs, Number(reserved));
    // The row as it was read: on Galera somebody else's lease may have arrived since, lock or not.
    const [update] = await session.query(
      `UPDATE worker_lease SET holder = ${text(holder)}, reserved_until = ${int(reservedUntilMs)}
        WHERE worker = ${int(Number(worker))} AND holder = ${bytes(before as Buffer)}
        AND reserved_until = ${int(Number(reserved))}`,
      timeoutMs,
    );
    if (update?.changed !== 1) throw new OvertakenError();
    return { worker: Number(worker), reservedUntilMs };
  }
}

/** The numbers that somebody has or had; see `WorkerLeases`. */
export async function heldWorkers(database: Database): Promise<readonly HeldWorker[]> {
  const [found] = await database.read(
    "SELECT worker, holder, reserved_until FROM worker_lease WHERE holder <> X'' ORDER BY worker",
  );
  return (found?.rows ?? []).map(([worker, holder, reserved]) => ({
    worker: Number(worker),
    holder: String(holder),
    reservedUntilMs: Number(reserved),
  }));
}

/** What a transaction had read was changed before it could build on it. */
class OvertakenError extends Error {
  override readonly name = 'OvertakenError';
}

/**
 * Runs `task` in a transaction on a session of that pool, anew where it came into another one's way. Rejects with what
 * failed; the transaction is then undone, or nobody knows.
 */
export async function transact<T>(
  database: Database,
  pool: SessionPool,
  task: (session: Session) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await pool.run(async (session) => {
        try {
          await session.query('ROLLBACK;START TRANSACTION', database.readTimeoutMs);
          const result = await task(session);
          await session.query('COMMIT', database.readTimeoutMs);
          return result;
        } catch (error) {
          await session.query('ROLLBACK', database.readTimeoutMs).catch(() => session.destroy());
          throw error;
        }
      });
    } catch (error) {
      const again = error instanceof OvertakenError || failureOf(error) === 'contended';
      if (!again || attempt === attempts) throw error;
    }
  }
}

/** Runs one statement; gives how many rows it changed. Rejects with a StoreError. */
export async function changeRows(database: Database, sql: string): Promise<number> {
  try {
    return await transact(database, database.background, async (session) => {
      const [result] = await session.query(sql, database.readTimeoutMs);
      return result?.changed ?? 0;
    });
  } catch (error) {
    throw refusal(error);
  }
}
