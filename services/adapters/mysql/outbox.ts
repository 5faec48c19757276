import { StoreError } from '../../ports/message-store.ts';
import type { Outbox, OutboxAdoption, OutboxRemoval, OutboxRow } from '../../ports/outbox.ts';
import { decodeSpans } from '../../ports/outbox-codec.ts';
import type { Database } from './database.ts';
import { refusal } from './failure.ts';
import { transact } from './leases.ts';
import { big, int, list, text } from './sql.ts';

const rowsAtOnce = 1_000;
const countAtMost = 1_000_000;
const incarnationsAtOnce = 1_000;

/**
 * The outbox on MySQL; see `Outbox`. A batch that was written in several transactions has several rows in the table,
 * its parts, which are one row to everybody else.
 */
export class MySqlOutbox implements Outbox {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async rows(incarnation: string, after: bigint, limit: number): Promise<readonly OutboxRow[]> {
    assertBounded('rows', limit, 1, rowsAtOnce);
    const where = `incarnation = ${text(incarnation)} AND batch_id > ${big(after)}`;
    const [found] = await this.#database.read(
      `SELECT batch_id, created_at, payload FROM outbox WHERE ${where} AND batch_id <= (
         SELECT MAX(batch_id) FROM (SELECT DISTINCT batch_id FROM outbox WHERE ${where} ORDER BY batch_id LIMIT ${int(limit)}) page
       ) ORDER BY batch_id, part`,
    );
    const rows = new Map<bigint, OutboxRow>();
    for (const [id, createdAtMs, payload] of found?.rows ?? []) {
      const batchId = BigInt(id as string);
      const spans = decodeSpans(payload as Buffer);
      const earlier = rows.get(batchId);
      rows.set(batchId, {
        batchId,
        createdAtMs: earlier?.createdAtMs ?? Number(createdAtMs),
        spans: [...(earlier?.spans ?? []), ...spans],
      });
    }
    return [...rows.values()];
  }

  async count(incarnation: string, limit: number): Promise<number> {
    assertBounded('rows', limit, 1, countAtMost);
    const [found] = await this.#database.read(
      `SELECT COUNT(*) FROM (SELECT DISTINCT batch_id FROM outbox WHERE incarnation = ${text(incarnation)} LIMIT ${int(limit)}) some`,
    );
    return Number(found?.rows[0]?.[0]);
  }

  async remove({ incarnation, batchIds, nowMs, leastAgeMs }: OutboxRemoval): Promise<readonly bigint[]> {
    return this.#change(
      batchIds,
      incarnation,
      (which) =>
        `DELETE FROM outbox WHERE ${which} AND incarnation = ${text(incarnation)} AND ${holds(incarnation, nowMs)}
          AND created_at + ${int(leastAgeMs)} <= UNIX_TIMESTAMP(CURRENT_TIMESTAMP(3)) * 1000`,
    );
  }

  async lapsed(nowMs: number): Promise<readonly string[]> {
    const [found] = await this.#database.read(
      // The names alone, which the index gives without a look at the rows: there may be many.
      `SELECT incarnation FROM (SELECT DISTINCT incarnation FROM outbox) o WHERE NOT EXISTS (
        SELECT 1 FROM worker_lease l WHERE l.holder = o.incarnation AND l.reserved_until >= ${int(nowMs)}
      ) LIMIT ${incarnationsAtOnce}`,
    );
    return (found?.rows ?? []).map(([incarnation]) => String(incarnation));
  }

  async adopt({ from, by, batchIds, nowMs }: OutboxAdoption): Promise<readonly bigint[]> {
    return this.#change(
      batchIds,
      by,
      (which) =>
        `UPDATE outbox SET incarnation = ${text(by)} WHERE ${which} AND incarnation = ${text(from)}
          AND NOT ${holds(from, nowMs)} AND ${holds(by, nowMs)}`,
    );
  }

  /** Changes rows, and gives those that then are of `incarnation`. */
  async #change(
    batchIds: readonly bigint[],
    incarnation: string,
    statement: (which: string) => string,
  ): Promise<readonly bigint[]> {
    assertBounded('rows', batchIds.length, 0, rowsAtOnce);
    if (batchIds.length === 0) return [];
    const which = `batch_id IN ${list(batchIds.map(big))}`;
    const left = `SELECT DISTINCT batch_id FROM outbox WHERE ${which} AND incarnation = ${text(incarnation)} ORDER BY batch_id`;
    const change = statement(which);
    try {
      return await transact(this.#database, this.#database.background, async (session) => {
        const [, found] = await session.query(`${change};${left}`, this.#database.readTimeoutMs);
        return (found?.rows ?? []).map(([batchId]) => BigInt(batchId as string));
      });
    } catch (error) {
      throw refusal(error);
    }
  }
}

/** Whether the lease of this name is reserved. */
function holds(incarnation: string, nowMs: number): string {
  return `EXISTS (SELECT 1 FROM worker_lease WHERE holder = ${text(incarnation)} AND reserved_until >= ${int(nowMs)})`;
}

function assertBounded(what: string, count: number, least: number, most: number): void {
  if (!Number.isInteger(count) || count < least || count > most)
    throw new StoreError('rejected', `${count} ${what} at once: ${least} to ${most} are allowed`);
}
