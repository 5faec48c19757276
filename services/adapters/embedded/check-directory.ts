import path from 'node:path';
import { existsSync } from 'node:fs';
import { type StoreReport, StoreError } from '../../ports/message-store.ts';
import { Check } from './check.ts';
import { assertWhole } from './import-mark.ts';
import { openLevel } from './level.ts';
import { prepareSchema } from './schema.ts';
import { KeyRing, type MasterKey } from '../../core/seal.ts';
import { levelDirectory } from './store-thread.ts';

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
    const keys = new KeyRing(masterKeys);
    assertWhole(level);
    await prepareSchema(level, keys);
    return await Check.run(level, keys, onProgress);
  } finally {
    await level.close();
  }
}
