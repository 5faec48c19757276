import { StoreError, type WorkerLease } from '../../ports/message-store.ts';
import type { Database } from './database.ts';
import { leaseKey, table, tableRange } from './keys.ts';
import { decodeLeaseRow, encodeLeaseRow, type LeaseRow } from './rows.ts';

/** Worker numbers fit ten bits of an id. */
export const workerCount = 1024;

/** Takes or renews a worker number; see `MessageStore.leaseWorker`. Synced: a number must never be given out twice. */
export async function leaseWorker(
  database: Database,
  holder: string,
  nowMs: number,
  untilMs: number,
): Promise<WorkerLease> {
  database.assertWritable();
  const { level } = database;
  const rows = new Map<number, LeaseRow>();
  for (const [key, value] of await level.iterator(tableRange(table.lease)).all())
    rows.set(key.readUInt32BE(1), decodeLeaseRow(value));
  const worker = ownWorker(rows, holder) ?? freeWorker(rows, nowMs);
  if (worker === undefined)
    throw new StoreError('unavailable', `all ${workerCount} worker numbers of the id library are taken`);
  const own = rows.get(worker);
  // A reserved time never goes back: ids up to it may have been drawn.
  const reservedUntilMs = own?.holder === holder ? Math.max(own.reservedUntilMs, untilMs) : untilMs;
  const batch = level.batch().put(leaseKey(worker), encodeLeaseRow({ holder, reservedUntilMs }));
  try {
    await batch.write({ sync: true });
  } catch (cause) {
    throw database.failed(cause);
  }
  return { worker, reservedUntilMs };
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
