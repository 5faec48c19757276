import path from 'node:path';
import { existsSync } from 'node:fs';
import { type StoreReport, StoreError } from '../../ports/message-store.ts';
import { Check } from './check.ts';
import { assertWhole } from './import-mark.ts';
import { type Level, openLevel } from './level.ts';
import { prepareSchema } from './schema.ts';
import { KeyRing, type MasterKey } from '../../core/seal.ts';
import { levelDirectory } from './store-thread.ts';
import { checkTable, tableFiles } from './table-file.ts';

/**
 * Walks the store in a data directory that no server uses at the moment; see `MessageStore.check`. Rejects with a
 * StoreError where there is no store, or another process has it open.
 */
export async function checkDirectory(
  directory: string,
  masterKeys: readonly MasterKey[],
  onProgress: (entries: number) => void = () => undefined,
): Promise<StoreReport> {
  const at = path.join(directory, levelDirectory);
  if (!existsSync(at)) throw new StoreError('unavailable', `there is no store in ${directory}`);
  const level = await openLevel(at, { cacheBytes: 32 * 1024 * 1024, createIfMissing: false });
  try {
    // To be looked at before anything is read of them.
    const damaged = await damagedTables(level, at);
    if (damaged.length > 0) return { conversations: 0, entries: 0, problems: damaged };
    const keys = new KeyRing(masterKeys);
    assertWhole(level);
    await prepareSchema(level, keys);
    return await Check.run(level, keys, onProgress);
  } finally {
    await level.close();
  }
}

async function damagedTables(level: Level, directory: string): Promise<string[]> {
  const problems: string[] = [];
  for (const name of tableFiles(level)) {
    const report = await checkTable(path.join(directory, name)).catch((error: NodeJS.ErrnoException) => {
      // Put together with others meanwhile.
      if (error.code === 'ENOENT') return { blocks: 0, damaged: 0 };
      throw error;
    });
    if (report.damaged > 0)
      problems.push(
        `${name}: ${report.damaged} of ${report.blocks} blocks are damaged: restore a backup, and look at the disk`,
      );
  }
  return problems;
}
