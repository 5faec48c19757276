import { StoreError } from '../../ports/message-store.ts';
import type {
  Adoption,
  OutboxPosition,
  OutboxRow,
  OutboxRows,
  PublishedRows,
} from '../../ports/outbox-rows.ts';
import type { Database } from './database.ts';
import { refusal } from './failure.ts';
import { transact } from './leases.ts';
import { decodePayload } from './outbox-payload.ts';
import { big, int, text } from './sql.ts';

const rowsAtOnce = 1_000;
const countAtMost = 1_000_000;
const incarnationsAtOnce = 1_000;

/** The outbox on MySQL; see `OutboxRows`. */
export class MySqlOutbox implements OutboxRows {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async rows(
    incarnation: string,
    after: OutboxPosition | undefined,
    limit: number,
  ): Promise<readonly OutboxRow[]> {
    assertBounded('rows', limit, 1, rowsAtOnce);
    const behind =
      after === undefined
        ? ''
        : ` AND (batch_id > ${big(after.batchId)} OR (batch_id = ${big(after.batchId)} AND part > ${int(after.part)}))`;
    const [found] = await this.#database.read(
      `SELECT batch_id, part, created_at, payload FROM outbox
        WHERE incarnation = ${text(incarnation)}${behind} ORDER BY batch_id, part LIMIT ${int(limit)}`,
    );
    return (found?.rows ?? []).map(([batchId, part, createdAtMs, payload]) => ({
      batchId: BigInt(batchId as string),
      part: Number(part),
      createdAtMs: Number(createdAtMs),
      spans: decodePayload(payload as Buffer),
    }));
  }

  async count(incarnation: string, limit: number): Promise<number> {
    assertBounded('rows', limit, 1, countAtMost);
    const [found] = await this.#database.read(
      `SELECT COUNT(*) FROM (SELECT 1 FROM outbox WHERE incarnation = ${text(incarnation)} LIMIT ${int(limit)}) some`,
    );
    return Number(found?.rows[0]?.[0]);
  }

  async deletePublished({ incarnation, rows, nowMs, leastAgeMs }: PublishedRows): Promise<number> {
    return this.#change(
      rows,
      (which) =>
        `DELETE FROM outbox WHERE ${which} AND incarnation = ${text(incarnation)} AND ${holds(incarnation, nowMs)}
          AND created_at + ${int(leastAgeMs)} <= UNIX_TIMESTAMP(CURRENT_TIMESTAMP(3)) * 1000`,
    );
  }

  async lapsed(nowMs: number): Promise<readonly string[]> {
    const [found] = await this.#database.read(
      `SELECT DISTINCT incarnation FROM outbox o WHERE NOT EXISTS (SELECT 1 FROM worker_lease l
        WHERE l.holder = o.incarnation AND l.reserved_until >= ${int(nowMs)}) LIMIT ${incarnationsAtOnce}`,
    );
    return (found?.rows ?? []).map(([incarnation]) => String(incarnation));
  }

  async adopt({ from, by, rows, nowMs }: Adoption): Promise<number> {
    return this.#change(
      rows,
      (which) =>
        `UPDATE outbox SET incarnation = ${text(by)} WHERE ${which} AND incarnation = ${text(from)}
          AND NOT ${holds(from, nowMs)} AND ${holds(by, nowMs)}`,
    );
  }

  async #change(rows: readonly OutboxPosition[], statement: (which: string) => string): Promise<number> {
    assertBounded('rows', rows.length, 0, rowsAtOnce);
    if (rows.length === 0) return 0;
    const which = rows
      .map(({ batchId, part }) => `(batch_id = ${big(batchId)} AND part = ${int(part)})`)
      .join(' OR ');
    const sql = statement(`(${which})`);
    try {
      return await transact(this.#database, async (session) => {
        const [result] = await session.query(sql, this.#database.readTimeoutMs);
        return result?.changed ?? 0;
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
