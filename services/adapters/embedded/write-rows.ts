import type { Database } from './database.ts';

export type RowChange =
  | { readonly type: 'put'; readonly key: Buffer; readonly value: Buffer }
  | { readonly type: 'del'; readonly key: Buffer };

/** Writes all of it or nothing. Rejects with a StoreError. */
export async function writeRows(
  database: Database,
  changes: readonly RowChange[],
  { sync }: { readonly sync: boolean },
): Promise<void> {
  if (changes.length === 0) return;
  database.assertWritable();
  try {
    await database.level.batch([...changes], { sync });
  } catch (cause) {
    throw database.failed(cause);
  }
}
