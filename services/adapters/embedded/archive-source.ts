import { existsSync } from 'node:fs';
import path from 'node:path';
import { KeyRing, type MasterKey } from '../../core/seal.ts';
import { StoreError } from '../../ports/message-store.ts';
import type { ArchiveRow, ArchiveTable, StoreRecord, StoreSource } from '../../ports/store-archive.ts';
import { archiveRows, estimateRows } from './archive-rows.ts';
import { assertWhole, readRecord } from './import-mark.ts';
import { type Level, type LevelSnapshot, openLevel } from './level.ts';
import { prepareSchema } from './schema.ts';
import { levelDirectory } from './store-thread.ts';

const cacheBytes = 32 * 1024 * 1024;

/** Opens the store in a data directory for reading; see StoreSource. LevelDB's lock keeps servers out meanwhile. */
export async function openEmbeddedSource(
  directory: string,
  masterKeys: readonly MasterKey[],
): Promise<StoreSource> {
  const at = path.join(directory, levelDirectory);
  if (!existsSync(at)) throw new StoreError('unavailable', `there is no store in ${directory}`);
  const level = await openLevel(at, { cacheBytes, createIfMissing: false });
  try {
    assertWhole(level);
    await prepareSchema(level, new KeyRing(masterKeys));
    return new EmbeddedSource(level, await readRecord(level));
  } catch (error) {
    await level.close();
    throw error;
  }
}

class EmbeddedSource implements StoreSource {
  readonly record: StoreRecord;
  readonly #level: Level;
  readonly #snapshot: LevelSnapshot;

  constructor(level: Level, record: StoreRecord) {
    this.#level = level;
    this.#snapshot = level.snapshot();
    this.record = record;
  }

  rows(table: ArchiveTable, after: ArchiveRow | undefined): AsyncIterable<readonly ArchiveRow[]> {
    return archiveRows(this.#level, this.#snapshot, table, after);
  }

  estimate(): Promise<number> {
    return estimateRows(this.#level);
  }

  /** Nobody else can have it open. */
  async assertAlone(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#snapshot.close();
    await this.#level.close();
  }
}
