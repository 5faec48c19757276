import { randomBytes } from 'node:crypto';
import { ByteReader, ByteWriter } from '../../core/bytes.ts';
import { StoreError } from '../../ports/message-store.ts';
import type { StoreRecord } from '../../ports/store-archive.ts';
import { leaseKey, metaKey, table, tableRange } from './keys.ts';
import type { Level } from './level.ts';
import { assertRestored } from './restore-mark.ts';
import { decodeLeaseRow, encodeLeaseRow } from './rows.ts';
import { epochName, type LevelBatch, secretName } from './schema.ts';

const importName = 'import';

/** What a store says of the export that it was filled from. */
export interface ImportMark {
  readonly archiveId: string;
  /** Frames of it that are written. */
  readonly frames: number;
  /** Empty until the import is finished: servers don't open the store before. */
  readonly epoch: string;
}

export function readImport(level: Level): ImportMark | undefined {
  const value = level.getSync(metaKey(importName));
  if (value === undefined) return undefined;
  const reader = new ByteReader(value);
  return { archiveId: reader.text(), frames: reader.u53(), epoch: reader.text() };
}

/** Throws a StoreError `unavailable` where the store is only half there. */
export function assertWhole(level: Level): void {
  assertRestored(level);
  if (readImport(level)?.epoch === '')
    throw new StoreError(
      'unavailable',
      'an import into this store is not finished: run `parley import` again, or begin with an empty directory',
    );
}

export function putImport(batch: LevelBatch, { archiveId, frames, epoch }: ImportMark): void {
  const out = ByteWriter.row();
  out.text(archiveId);
  out.u53(frames);
  out.text(epoch);
  batch.put(metaKey(importName), out.view());
}

/** Takes over what a store is besides its conversations. Reserved times never go back: ids may have been drawn up to them. */
export async function beginImport(level: Level, archiveId: string, record: StoreRecord): Promise<void> {
  const batch = level.batch();
  putImport(batch, { archiveId, frames: 0, epoch: '' });
  const secret = ByteWriter.row();
  secret.u32(record.secret.keyId);
  secret.raw(record.secret.sealed);
  batch.put(metaKey(secretName), secret.view());
  const own = new Map((await readLeases(level)).map((lease) => [lease.worker, lease]));
  for (const lease of record.leases) {
    if ((own.get(lease.worker)?.reservedUntilMs ?? 0) < lease.reservedUntilMs)
      batch.put(leaseKey(lease.worker), encodeLeaseRow(lease));
  }
  await batch.write({ sync: true });
}

/** Draws the epoch; resolves with it. From then on servers open the store. */
export async function endImport(level: Level, mark: ImportMark): Promise<string> {
  const epoch = randomBytes(16).toString('hex');
  const batch = level.batch();
  batch.put(metaKey(epochName), Buffer.from(epoch));
  putImport(batch, { ...mark, epoch });
  await batch.write({ sync: true });
  return epoch;
}

export async function readRecord(level: Level): Promise<StoreRecord> {
  const epoch = level.getSync(metaKey(epochName));
  const secret = level.getSync(metaKey(secretName));
  if (epoch === undefined || secret === undefined)
    throw new StoreError('unavailable', 'the store has no epoch or no secret: not a store of Parley?');
  const proofs = await level.iterator(tableRange(table.keyProof)).all();
  const reader = new ByteReader(secret);
  return {
    epoch: epoch.toString('utf8'),
    secret: { keyId: reader.u32(), sealed: reader.rest() },
    proofs: proofs.map(([key, proof]) => ({ keyId: key.readUInt32BE(1), proof })),
    leases: await readLeases(level),
  };
}

async function readLeases(level: Level): Promise<StoreRecord['leases']> {
  const rows = await level.iterator(tableRange(table.lease)).all();
  return rows.map(([key, value]) => ({ worker: key.readUInt32BE(1), ...decodeLeaseRow(value) }));
}
