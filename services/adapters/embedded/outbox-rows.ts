import { StoreError } from '../../ports/message-store.ts';
import type { OutboxAdoption, OutboxRemoval, OutboxRow, OutboxSpan } from '../../ports/outbox.ts';
import type { Database } from './database.ts';
import {
  batchIdOf,
  incarnationOf,
  outboxKey,
  outboxPrefix,
  after as past,
  table,
  tableRange,
} from './keys.ts';
import type { Leases } from './leases.ts';
import type { Level } from './level.ts';
import { decodeOutboxRow, encodeOutboxRow } from './rows.ts';
import { type RowChange, writeRows } from './write-rows.ts';

const rowsAtOnce = 1_000;
const countAtMost = 1_000_000;
const incarnationsAtOnce = 1_000;

/** The row of a batch with these spans behind those that it has already, for the batch that writes it. */
export function outboxRow(
  level: Level,
  incarnation: string,
  batchId: bigint,
  spans: readonly OutboxSpan[],
): { readonly key: Buffer; readonly value: Buffer } {
  const key = outboxKey(incarnation, batchId);
  const written = level.getSync(key);
  const earlier = written && decodeOutboxRow(written);
  // The database's own clock, as in SQL: rows are compared with it alone.
  const createdAtMs = earlier?.createdAtMs ?? Date.now();
  return { key, value: encodeOutboxRow({ createdAtMs, spans: [...(earlier?.spans ?? []), ...spans] }) };
}

/** The outbox in the store's thread; see `Outbox`. One that changes something at a time. */
export class OutboxRows {
  readonly #database: Database;
  readonly #leases: Leases;

  constructor(database: Database, leases: Leases) {
    this.#database = database;
    this.#leases = leases;
  }

  async rows(incarnation: string, after: bigint, limit: number): Promise<OutboxRow[]> {
    assertBounded(limit, 1, rowsAtOnce);
    const rows = await this.#database.level
      .iterator({
        gt: outboxKey(incarnation, after),
        lt: past(outboxPrefix(incarnation)),
        limit,
      })
      .all();
    return rows.map(([key, value]) => ({ batchId: batchIdOf(key), ...decodeOutboxRow(value) }));
  }

  async count(incarnation: string, limit: number): Promise<number> {
    assertBounded(limit, 1, countAtMost);
    const prefix = outboxPrefix(incarnation);
    let count = 0;
    for await (const _ of this.#database.level.keys({ gte: prefix, lt: past(prefix), limit })) count += 1;
    return count;
  }

  async remove({ incarnation, batchIds, nowMs, leastAgeMs }: OutboxRemoval): Promise<bigint[]> {
    assertBounded(batchIds.length, 0, rowsAtOnce);
    const held = await this.#leases.holds(incarnation, nowMs);
    const left: bigint[] = [];
    const gone: Buffer[] = [];
    for (const batchId of [...new Set(batchIds)].toSorted(ascending)) {
      const key = outboxKey(incarnation, batchId);
      const value = this.#database.level.getSync(key);
      if (value === undefined) continue;
      if (held && decodeOutboxRow(value).createdAtMs + leastAgeMs <= Date.now()) gone.push(key);
      else left.push(batchId);
    }
    // Not synced: what comes back after a power cut is published once more.
    await writeRows(
      this.#database,
      gone.map((key) => ({ type: 'del', key })),
      { sync: false },
    );
    return left;
  }

  async lapsed(nowMs: number): Promise<string[]> {
    const names: string[] = [];
    const { lt } = tableRange(table.outbox);
    for (let from = tableRange(table.outbox).gte; names.length < incarnationsAtOnce; ) {
      const [key] = await this.#database.level.keys({ gte: from, lt, limit: 1 }).all();
      if (key === undefined) break;
      const name = incarnationOf(key);
      if (!(await this.#leases.holds(name, nowMs))) names.push(name);
      from = past(outboxPrefix(name));
    }
    return names;
  }

  async adopt({ from, by, batchIds, nowMs }: OutboxAdoption): Promise<bigint[]> {
    assertBounded(batchIds.length, 0, rowsAtOnce);
    const allowed = !(await this.#leases.holds(from, nowMs)) && (await this.#leases.holds(by, nowMs));
    const changes: RowChange[] = [];
    const had: bigint[] = [];
    for (const batchId of [...new Set(batchIds)].toSorted(ascending)) {
      const [old, key] = [outboxKey(from, batchId), outboxKey(by, batchId)];
      const value = allowed && from !== by ? this.#database.level.getSync(old) : undefined;
      if (value !== undefined) changes.push({ type: 'put', key, value }, { type: 'del', key: old });
      if (value !== undefined || this.#database.level.getSync(key) !== undefined) had.push(batchId);
    }
    await writeRows(this.#database, changes, { sync: true });
    return had;
  }
}

function ascending(one: bigint, other: bigint): number {
  return one < other ? -1 : Number(one > other);
}

function assertBounded(count: number, least: number, most: number): void {
  if (!Number.isInteger(count) || count < least || count > most)
    throw new StoreError('rejected', `${count} rows at once: ${least} to ${most} are allowed`);
}
