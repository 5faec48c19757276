import { existsSync } from 'node:fs';
import path from 'node:path';
import { StoreError } from '../../ports/message-store.ts';
import type { Backup } from '../../ports/store-backup.ts';
import { assertWhole } from './import-mark.ts';
import { openLevel } from './level.ts';
import { LevelBackup } from './level-backup.ts';
import { levelDirectory } from './store-thread.ts';

const cacheBytes = 8 * 1024 * 1024;

/**
 * A backup of the store in a data directory that no server uses at the moment. Rejects with a StoreError where there is
 * none, where it is filled in part, or where another process has it open.
 */
export async function backupDirectory(directory: string): Promise<Backup> {
  const at = path.join(directory, levelDirectory);
  if (!existsSync(at)) throw new StoreError('unavailable', `there is no store in ${directory}`);
  const level = await openLevel(at, { cacheBytes, createIfMissing: false });
  try {
    assertWhole(level);
    const backup = await LevelBackup.begin(level);
    return {
      head: backup.head,
      next: () => backup.next(),
      [Symbol.asyncDispose]: async () => {
        await backup[Symbol.asyncDispose]();
        await level.close();
      },
    };
  } catch (error) {
    await level.close();
    throw error;
  }
}
