import { StoreError } from '../../ports/message-store.ts';
import { metaKey } from './keys.ts';
import type { Level } from './level.ts';
import type { LevelBatch } from './schema.ts';

/** Its row is there as long as a store is restored in part. */
const restoringName = 'restoring';

export function isRestoring(level: Level): boolean {
  return level.getSync(metaKey(restoringName)) !== undefined;
}

/** Throws a StoreError `unavailable` where a restore was cut off. */
export function assertRestored(level: Level): void {
  if (isRestoring(level))
    throw new StoreError(
      'unavailable',
      'a restore into this store is not finished: give `parley restore` again, or begin with an empty directory',
    );
}

/** Before the first row: from then on nobody takes it for a store. */
export async function beginRestore(level: Level): Promise<void> {
  await level.batch().put(metaKey(restoringName), Buffer.of(1)).write({ sync: true });
}

export function endRestore(batch: LevelBatch): void {
  batch.del(metaKey(restoringName));
}
