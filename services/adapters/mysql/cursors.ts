import type { CursorRow } from '../../ports/message-store.ts';
import type { Database } from './database.ts';
import { failureOf, LateError, LostError, refusal } from './failure.ts';
import { assertText, big, int, text } from './sql.ts';

const rowsAtOnce = 512;
const attempts = 10;

/**
 * Raises cursors, in statements of 512 rows so that no lock is held for long. The rows are sorted, so that two writers
 * seldom wait for each other; each statement may be repeated, since a cursor only grows. Where the store has another
 * epoch than the rows, nothing is raised: they count entries that it may not have.
 */
export async function raiseCursors(
  database: Database,
  epoch: string,
  rows: readonly CursorRow[],
): Promise<void> {
  const sorted = rows.toSorted(byKey);
  try {
    for (let at = 0; at < sorted.length; at += rowsAtOnce)
      await raiseSome(database, epoch, sorted.slice(at, at + rowsAtOnce));
  } catch (error) {
    throw refusal(error);
  }
}

async function raiseSome(database: Database, epoch: string, rows: readonly CursorRow[]): Promise<void> {
  const values = rows.map(
    ({ convNo, userId, deliveredSeq, readSeq, readOrd }) =>
      `[${big(convNo)},"${hex(userId)}",${int(deliveredSeq)},${int(readSeq)},${int(readOrd)}]`,
  );
  // read_ord first: it looks at read_seq as it was.
  const sql = `INSERT INTO conversation_cursor (conv_no, user_id, delivered_seq, read_seq, read_ord)
    SELECT v.no, UNHEX(v.user), v.delivered, v.seen, v.seen_ord
      FROM JSON_TABLE('[${values.join(',')}]', '$[*]' COLUMNS (no BIGINT UNSIGNED PATH '$[0]',
        user VARCHAR(512) PATH '$[1]', delivered BIGINT UNSIGNED PATH '$[2]', seen BIGINT UNSIGNED PATH '$[3]',
        seen_ord BIGINT UNSIGNED PATH '$[4]')) v
      JOIN (SELECT epoch FROM store_epoch WHERE epoch = ${text(epoch)} LOCK IN SHARE MODE) e ON TRUE
    ON DUPLICATE KEY UPDATE
      read_ord = IF(VALUES(read_seq) > read_seq, VALUES(read_ord), read_ord),
      read_seq = GREATEST(read_seq, VALUES(read_seq)),
      delivered_seq = GREATEST(delivered_seq, VALUES(delivered_seq))`;
  for (let attempt = 1; ; attempt += 1) {
    try {
      await database.background.run((session) => session.query(sql, database.readTimeoutMs));
      return;
    } catch (error) {
      const again =
        failureOf(error) === 'contended' || (error instanceof LostError && !(error instanceof LateError));
      if (!again || attempt === attempts) throw error;
    }
  }
}

function hex(value: string): string {
  assertText(value);
  return Buffer.from(value, 'utf8').toString('hex');
}

function byKey(one: CursorRow, other: CursorRow): number {
  if (one.convNo !== other.convNo) return one.convNo < other.convNo ? -1 : 1;
  return one.userId < other.userId ? -1 : one.userId > other.userId ? 1 : 0;
}
