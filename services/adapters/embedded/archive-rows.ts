import type { ArchiveRow, ArchiveTable, UserRow } from '../../ports/store-archive.ts';
import { convKey, convNoOf, convUserKey, entryKey, seqOf, type Table, table, tableRange } from './keys.ts';
import type { Level, LevelSnapshot } from './level.ts';
import {
  decodeConversationRow,
  decodeCursorRow,
  decodeEntryRow,
  decodeGroupRow,
  decodeHeadRow,
  decodeMemberRow,
} from './rows.ts';
import { userRows, userTables } from './user-rows.ts';

const rowsAtOnce = 256;

type LogTable = Exclude<ArchiveTable, 'user'>;
type LogRow = Exclude<ArchiveRow, UserRow>;

const tables: Readonly<Record<LogTable, Table>> = {
  conversation: table.conversation,
  group: table.group,
  member: table.member,
  cursor: table.cursor,
  entry: table.entry,
};

/** See `RowSource.rows`. Throws RangeError for a row that can't be read. */
export async function* archiveRows(
  level: Level,
  snapshot: LevelSnapshot | undefined,
  of: ArchiveTable,
  behind: ArchiveRow | undefined,
): AsyncGenerator<readonly ArchiveRow[]> {
  if (of === 'user') {
    yield* userRows(level, snapshot, behind?.t === 'user' ? behind.userId : undefined);
    return;
  }
  const { gte, lt } = tableRange(tables[of]);
  const options = { lt, ...(behind === undefined || behind.t === 'user' ? { gte } : { gt: keyOf(behind) }) };
  const iterator = level.iterator(snapshot === undefined ? options : { ...options, snapshot });
  try {
    for (;;) {
      const found = await iterator.nextv(rowsAtOnce);
      if (found.length === 0) return;
      yield found.map(([key, value]) => rowOf(level, snapshot, of, key, value));
    }
  } finally {
    await iterator.close();
  }
}

/** The rows of a whole table, roughly: LevelDB knows bytes on disk, not rows. */
export async function estimateRows(level: Level): Promise<number> {
  let rows = 0;
  for (const of of [...Object.values(tables), ...userTables]) {
    const { gte, lt } = tableRange(of);
    rows += (await level.approximateSize(gte, lt)) / (of === table.entry ? entryBytes : otherBytes);
  }
  return Math.ceil(rows);
}

// About what a row takes on disk.
const entryBytes = 250;
const otherBytes = 60;

function keyOf(row: LogRow): Buffer {
  switch (row.t) {
    case 'entry':
      return entryKey(row.convNo, row.seq);
    case 'member':
      return convUserKey(table.member, row.convNo, row.member.userId);
    case 'cursor':
      return convUserKey(table.cursor, row.convNo, row.userId);
    default:
      return convKey(tables[row.t], row.convNo);
  }
}

function rowOf(
  level: Level,
  snapshot: LevelSnapshot | undefined,
  of: LogTable,
  key: Buffer,
  value: Buffer,
): ArchiveRow {
  const convNo = convNoOf(key);
  switch (of) {
    case 'conversation': {
      const head = level.getSync(convKey(table.head, convNo), { snapshot });
      if (head === undefined) throw new RangeError(`conversation ${convNo} has no head`);
      const { projectedSeq } = decodeHeadRow(head);
      return { t: 'conversation', convNo, ...decodeConversationRow(value), projectedSeq };
    }
    case 'group':
      return { t: 'group', convNo, group: decodeGroupRow(value) };
    case 'member':
      return { t: 'member', convNo, member: decodeMemberRow(value) };
    case 'cursor':
      return { t: 'cursor', ...decodeCursorRow(value) };
    case 'entry':
      return { t: 'entry', convNo, seq: seqOf(key), ...decodeEntryRow(value) };
  }
}

/** The first conversation there is: whether a store is empty. */
export async function hasRows(level: Level): Promise<boolean> {
  for (const of of [...Object.values(tables), ...userTables]) {
    const [found] = await level.keys({ ...tableRange(of), limit: 1 }).all();
    if (found !== undefined) return true;
  }
  return false;
}
