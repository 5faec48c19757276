import type { CursorRow } from '../../ports/message-store.ts';
import type { Database } from './database.ts';
import { convUserKey, table } from './keys.ts';
import { decodeCursorRow, encodeCursorRow } from './rows.ts';

/**
 * Raises cursors in one unsynced write: after a crash clients name theirs again, and the next synced commit makes the
 * rows durable along with its own. Runs in the same lane as commits, so that no two writers read the same old row.
 */
export async function raiseCursors(database: Database, rows: readonly CursorRow[]): Promise<void> {
  database.assertWritable();
  const { level } = database;
  const raised = new Map<string, CursorRow>();
  for (const row of rows) {
    const key = convUserKey(table.cursor, row.convNo, row.userId);
    const name = key.toString('latin1');
    const stored = level.getSync(key);
    const old = raised.get(name) ?? (stored && decodeCursorRow(stored));
    const higher = old === undefined ? row : raise(old, row);
    if (higher !== old) raised.set(name, higher);
  }
  const batch = level.batch();
  for (const row of raised.values())
    batch.put(convUserKey(table.cursor, row.convNo, row.userId), encodeCursorRow(row));
  try {
    await batch.write({ sync: false });
  } catch (cause) {
    throw database.failed(cause);
  }
}

/** The further one of each; `old` itself where nothing grows. */
export function raise(old: CursorRow, row: CursorRow): CursorRow {
  const read = row.readSeq > old.readSeq;
  if (!read && row.deliveredSeq <= old.deliveredSeq) return old;
  return {
    convNo: old.convNo,
    userId: old.userId,
    deliveredSeq: Math.max(old.deliveredSeq, row.deliveredSeq),
    readSeq: read ? row.readSeq : old.readSeq,
    readOrd: read ? row.readOrd : old.readOrd,
  };
}
