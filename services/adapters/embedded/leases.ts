import { StoreError, type WorkerLease } from '../../ports/message-store.ts';
import type { HeldWorker } from '../../ports/worker-leases.ts';
import type { Database } from './database.ts';
import { leaseKey, table, tableRange } from './keys.ts';
import { decodeLeaseRow, encodeLeaseRow, type LeaseRow } from './rows.ts';

/** Worker numbers fit ten bits of an id. */
const workerCount = 1024;

/** The leases of worker numbers; see `MessageStore.leaseWorker`. One caller at a time. */
export class Leases {
  readonly #database: Database;
  /** The rows as they stand on disk; undefined until they are read, and after a write of which nobody knows. */
  #rows: Map<number, LeaseRow> | undefined;
  /** Who was given a number since the store was opened. */
  readonly #given = new Map<number, string>();

  constructor(database: Database) {
    this.#database = database;
  }

  async lease(holder: string, nowMs: number, untilMs: number): Promise<WorkerLease> {
    this.#database.assertWritable();
    this.#rows ??= await this.#read();
    const worker = ownWorker(this.#rows, holder) ?? freeWorker(this.#rows, nowMs);
    if (worker === undefined)
      throw new StoreError('unavailable', `all ${workerCount} worker numbers of the id library are taken`);
    const old = this.#rows.get(worker);
    // A reserved time never goes back: ids up to it may have been drawn.
    const reservedUntilMs = old?.holder === holder ? Math.max(old.reservedUntilMs, untilMs) : untilMs;
    await this.#write(worker, { holder, reservedUntilMs });
    this.#given.set(worker, holder);
    return { worker, reservedUntilMs };
  }

  /** As they stand on disk, ascending. */
  async list(): Promise<HeldWorker[]> {
    const rows = [...(await this.#read())];
    return rows.map(([worker, { holder, reservedUntilMs }]) => ({ worker, holder, reservedUntilMs }));
  }

  /** Whether a lease of this name is reserved, by this opening of the store: whoever had one before is gone. */
  async holds(holder: string, nowMs: number): Promise<boolean> {
    this.#rows ??= await this.#read();
    const worker = ownWorker(this.#rows, holder);
    if (worker === undefined || this.#given.get(worker) !== holder) return false;
    return (this.#rows.get(worker)?.reservedUntilMs ?? 0) >= nowMs;
  }

  async #read(): Promise<Map<number, LeaseRow>> {
    const rows = await this.#database.level.iterator(tableRange(table.lease)).all();
    return new Map(rows.map(([key, value]) => [key.readUInt32BE(1), decodeLeaseRow(value)]));
  }

  /** Synced: a number must never be given out twice. */
  async #write(worker: number, row: LeaseRow): Promise<void> {
    try {
      await this.#database.level.batch().put(leaseKey(worker), encodeLeaseRow(row)).write({ sync: true });
      this.#rows?.set(worker, row);
    } catch (cause) {
      this.#rows = undefined;
      throw this.#database.failed(cause);
    }
  }
}

function ownWorker(rows: ReadonlyMap<number, LeaseRow>, holder: string): number | undefined {
  for (const [worker, row] of rows) if (row.holder === holder) return worker;
  return undefined;
}

/** A number that nobody has had, or the one whose reserved time passed first. */
function freeWorker(rows: ReadonlyMap<number, LeaseRow>, nowMs: number): number | undefined {
  let best: { worker: number; reservedUntilMs: number } | undefined;
  for (let worker = 0; worker < workerCount; worker++) {
    const row = rows.get(worker);
    if (row === undefined) return worker;
    if (row.reservedUntilMs >= nowMs) continue;
    if (best === undefined || row.reservedUntilMs < best.reservedUntilMs)
      best = { worker, reservedUntilMs: row.reservedUntilMs };
  }
  return best?.worker;
}
