import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { syncDirectory, syncFiles } from '../../core/sync-files.ts';
import { KeyRing, type MasterKey } from '../../core/seal.ts';
import { StoreError } from '../../ports/message-store.ts';
import type { BackupHead, BackupPage, BackupTarget } from '../../ports/store-backup.ts';
import { decodeRows } from './backup-rows.ts';
import { metaKey } from './keys.ts';
import { type Level, openLevel } from './level.ts';
import { epochName, migrations, prepareSchema, proveKeys } from './schema.ts';
import { levelDirectory } from './store-thread.ts';

const cacheBytes = 32 * 1024 * 1024;

/** Beside the store: what a restore that was cut off leaves, and the next one removes. */
const draftSuffix = '.restoring';

/**
 * Begins a store in `directory`, which must not be there. Everything is written beside it and renamed at the end, so that a
 * restore that is cut off anywhere leaves no store. Rejects with a StoreError `unavailable` that says what is in the way.
 */
export async function restoreDirectory(
  directory: string,
  { layout }: BackupHead,
  masterKeys: readonly MasterKey[],
): Promise<BackupTarget> {
  if (layout > migrations.length)
    throw new StoreError(
      'unavailable',
      `the backup has layout version ${layout}, this program knows ${migrations.length}: use a newer one`,
    );
  if (existsSync(path.join(directory, levelDirectory)))
    throw new StoreError('unavailable', `there is a store in ${directory} already: move it away first`);
  const draft = `${directory}${draftSuffix}`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { recursive: true, mode: 0o700 });
  const level = await openLevel(path.join(draft, levelDirectory), { cacheBytes, createIfMissing: true });
  return new RestoredDirectory({ directory, draft, level, keys: new KeyRing(masterKeys) });
}

interface RestoreParts {
  readonly directory: string;
  readonly draft: string;
  readonly level: Level;
  readonly keys: KeyRing;
}

class RestoredDirectory implements BackupTarget {
  readonly #parts: RestoreParts;
  #proven = false;
  #placed = false;

  constructor(parts: RestoreParts) {
    this.#parts = parts;
  }

  async write(page: BackupPage): Promise<void> {
    const { level, keys } = this.#parts;
    const batch = level.batch();
    for (const [key, value] of decodeRows(page)) batch.put(key, value);
    await batch.write({ sync: false });
    // The proofs of keys are among the first rows: a wrong key is told at once, not after the last.
    if (this.#proven) return;
    await proveKeys(level, keys);
    this.#proven = true;
  }

  async finish(): Promise<string> {
    const { directory, draft, level, keys } = this.#parts;
    await prepareSchema(level, keys);
    const epoch = randomBytes(16).toString('hex');
    await level.batch().put(metaKey(epochName), Buffer.from(epoch)).write({ sync: true });
    await level.close();
    // LevelDB syncs the log that it writes at the moment, not those before it.
    await syncFiles(path.join(draft, levelDirectory));
    await syncDirectory(draft);
    // A directory with a reserve or a socket in it, but no store.
    await rm(directory, { recursive: true, force: true });
    await rename(draft, directory);
    await syncDirectory(path.dirname(directory));
    this.#placed = true;
    return epoch;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { level, draft } = this.#parts;
    await level.close();
    if (!this.#placed) await rm(draft, { recursive: true, force: true });
  }
}
