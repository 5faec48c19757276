import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { syncDirectory, syncFiles } from '../../core/sync-files.ts';
import { KeyRing, type MasterKey } from '../../core/seal.ts';
import { StoreError } from '../../ports/message-store.ts';
import type { BackupHead, BackupPage, BackupTarget } from '../../ports/store-backup.ts';
import { decodeRows } from './backup-rows.ts';
import { metaKey } from './keys.ts';
import { isLocked, type Level, openLevel } from './level.ts';
import { beginRestore, endRestore, isRestoring } from './restore-mark.ts';
import { epochName, migrations, prepareSchema, proveKeys } from './schema.ts';
import { levelDirectory } from './store-thread.ts';

const cacheBytes = 32 * 1024 * 1024;

/** Beside the store: what is thrown away of a restore, and removed by the next one where that could not be done. */
const discardedSuffix = '.restoring';

/**
 * Begins a store in `directory`, where there must be none. It is written in its place, under LevelDB's lock from the first
 * moment to the last: a server that is started meanwhile is refused, where it would make a store of its own beside one that
 * takes its place later. Until it is whole it says so, and nobody opens it: one that is cut off is given again. Rejects
 * with a StoreError `unavailable` that says what is in the way.
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
  await rm(`${directory}${discardedSuffix}`, { recursive: true, force: true });
  const level = (await openEmpty(directory)) ?? (await openEmpty(directory));
  if (level === undefined) throw new StoreError('unavailable', `another restore into ${directory} is begun`);
  return new RestoredDirectory({ directory, level, keys: new KeyRing(masterKeys) });
}

/** Undefined where there was a part of a store, which is thrown away now. */
async function openEmpty(directory: string): Promise<Level | undefined> {
  const files = path.join(directory, levelDirectory);
  const inTheWay = `there is a store in ${directory} already: move it away first`;
  const isThere = existsSync(files);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  let level: Level;
  try {
    level = await openLevel(files, { cacheBytes, createIfMissing: true });
  } catch (error) {
    if (!isThere || isLocked(error)) throw error;
    throw new StoreError('unavailable', inTheWay, error);
  }
  try {
    // Only now is it certain that nobody else writes.
    if (isRestoring(level)) {
      await discard(directory, level);
      return undefined;
    }
    if (!(await isEmpty(level))) throw new StoreError('unavailable', inTheWay);
    await beginRestore(level);
    return level;
  } catch (error) {
    await level.close();
    throw error;
  }
}

async function isEmpty(level: Level): Promise<boolean> {
  return (await level.keys({ limit: 1 }).all()).length === 0;
}

/** Moved away before the lock is let go of: what a server makes there from then on is its own. */
async function discard(directory: string, level: Level): Promise<void> {
  const discarded = `${directory}${discardedSuffix}`;
  await rename(path.join(directory, levelDirectory), discarded);
  await level.close();
  await rm(discarded, { recursive: true, force: true });
}

interface RestoreParts {
  readonly directory: string;
  readonly level: Level;
  readonly keys: KeyRing;
}

class RestoredDirectory implements BackupTarget {
  readonly #parts: RestoreParts;
  #proven = false;
  #finished = false;

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
    const { directory, level, keys } = this.#parts;
    await prepareSchema(level, keys);
    // LevelDB syncs the log that it writes at the moment, not those before it.
    await syncFiles(path.join(directory, levelDirectory));
    await syncDirectory(directory);
    await syncDirectory(path.dirname(directory));
    const epoch = randomBytes(16).toString('hex');
    const batch = level.batch();
    batch.put(metaKey(epochName), Buffer.from(epoch));
    endRestore(batch);
    await batch.write({ sync: true });
    this.#finished = true;
    await level.close();
    return epoch;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { directory, level } = this.#parts;
    if (this.#finished) return level.close();
    await discard(directory, level);
    // A reserve that was there before stays.
    await rmdir(directory).catch(() => undefined);
  }
}
