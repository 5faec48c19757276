import path from 'node:path';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { type StoreReport, StoreError } from '../../ports/message-store.ts';
import { Check } from './check.ts';
import { assertWhole } from './import-mark.ts';
import { openLevel } from './level.ts';
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
  // Before LevelDB, which puts tables together as soon as it is open, reads anything of them.
  const damaged = await damagedTables(at);
  const level = await openLevel(at, { cacheBytes: 32 * 1024 * 1024, createIfMissing: false });
  try {
    // One that the store does not name is what a crash has left of a table that was never finished.
    const problems = tableFiles(level).flatMap((name) => damaged.get(name) ?? []);
    if (problems.length > 0) return { conversations: 0, entries: 0, problems };
    const keys = new KeyRing(masterKeys);
    assertWhole(level);
    await prepareSchema(level, keys);
    return await Check.run(level, keys, onProgress);
  } finally {
    await level.close();
  }
}

/** What is wrong with table files, by their names. */
async function damagedTables(directory: string): Promise<ReadonlyMap<string, string>> {
  const problems = new Map<string, string>();
  for (const name of await readdir(directory)) {
    if (!name.endsWith('.ldb')) continue;
    const report = await checkTable(path.join(directory, name)).catch((error: NodeJS.ErrnoException) => {
      // A server is at work with the store: opening it will say so.
      if (error.code === 'ENOENT') return { blocks: 0, damaged: 0 };
      throw error;
    });
    if (report.damaged > 0)
      problems.set(
        name,
        `${name}: ${report.damaged} of ${report.blocks} blocks are damaged: restore a backup, and look at the disk`,
      );
  }
  return problems;
}
