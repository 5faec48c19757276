import type { ConvId, ConvNo, UserId } from '../../core/ids.ts';
import { type ClientKey, StoreError } from '../../ports/message-store.ts';
import type { ArchiveRow, ArchiveTable, UserRow } from '../../ports/store-archive.ts';
import {
  conversationKindCode,
  entryKindAt,
  entryKindCode,
  roleCode,
  visibilityCode,
} from '../../ports/stored-words.ts';
import {
  bigOf,
  convIdOf,
  cursorColumns,
  cursorOf,
  groupColumns,
  groupOf,
  kindOf,
  memberColumns,
  memberOf,
  textOf,
} from './rows.ts';
import type { Row, Session } from './session.ts';
import { big, bytes, clientKey as keyLiteral, int, list, text } from './sql.ts';
import { insertUsers, userRows, userTables } from './user-rows.ts';

/** Rows of a page: 200 of the largest bodies are some ten megabytes. */
const rowsAtOnce = 200;
/** A page whose rows are looked for across partitions, in a snapshot of a server that has other things to do. */
const pageTimeoutMs = 600_000;

interface Table {
  readonly name: string;
  readonly columns: string;
  /** What orders the rows of a conversation; undefined where it has one. */
  readonly second: string | undefined;
  read(row: Row): LogRow;
}

const entryColumns = 'seq, msg_id, kind, status, revision, ord, created_at, key_id, client_key, sender, body';

type LogTable = Exclude<ArchiveTable, 'user'>;
type LogRow = Exclude<ArchiveRow, UserRow>;

const tables: Readonly<Record<LogTable, Table>> = {
  conversation: {
    name: 'conversation',
    columns: 'conv_id, kind, user_one, user_two, projected_seq',
    second: undefined,
    read: ([no, convId, kind, one, two, projectedSeq]) => ({
      t: 'conversation',
      convNo: bigOf(no),
      convId: convIdOf(convId),
      kind: kindOf(kind),
      users: [one, two].filter((user) => user !== null).map((user) => textOf(user) as UserId),
      projectedSeq: Number(projectedSeq),
    }),
  },
  group: {
    name: 'chat_group',
    columns: groupColumns,
    second: undefined,
    read: ([no, ...row]) => ({ t: 'group', convNo: bigOf(no), group: groupOf(row) }),
  },
  member: {
    name: 'conversation_member',
    columns: memberColumns,
    second: 'user_id',
    read: ([no, ...row]) => ({ t: 'member', convNo: bigOf(no), member: memberOf(row) }),
  },
  cursor: {
    name: 'conversation_cursor',
    columns: cursorColumns,
    second: 'user_id',
    read: ([no, ...row]) => ({ t: 'cursor', ...cursorOf(bigOf(no), row) }),
  },
  entry: { name: 'message', columns: entryColumns, second: 'seq', read: entryOf },
};

function entryOf([
  no,
  seq,
  msgId,
  kind,
  status,
  revision,
  ord,
  createdAt,
  keyId,
  key,
  sender,
  body,
]: Row): LogRow {
  return {
    t: 'entry',
    convNo: bigOf(no),
    seq: Number(seq),
    msgId: bigOf(msgId),
    kind: entryKindAt(Number(kind)),
    ord: Number(ord),
    sender: textOf(sender),
    createdAtMs: Number(createdAt),
    recalled: status === 1,
    revision: Number(revision),
    clientKey: key === null ? undefined : ((key as Buffer).toString('latin1') as ClientKey),
    keyId: Number(keyId),
    sealed: body as Buffer,
  };
}

/** See `RowSource.rows`; on a session whose transaction is a snapshot, or to which nobody else writes. */
export async function* archiveRows(
  session: Session,
  of: ArchiveTable,
  behind: ArchiveRow | undefined,
): AsyncGenerator<readonly ArchiveRow[]> {
  if (of === 'user') {
    yield* userRows(session, behind?.t === 'user' ? behind.userId : undefined, pageTimeoutMs);
    return;
  }
  const { name, columns, second, read } = tables[of];
  const order = second === undefined ? 'conv_no' : `conv_no, ${second}`;
  for (let last = behind?.t === 'user' ? undefined : behind; ; ) {
    const where = last === undefined ? 'TRUE' : isBehind(last, second);
    const [found] = await session.query(
      `SELECT conv_no, ${columns} FROM ${name} WHERE ${where} ORDER BY ${order} LIMIT ${rowsAtOnce}`,
      pageTimeoutMs,
    );
    const page = (found?.rows ?? []).map(read);
    last = page.at(-1);
    if (last === undefined) return;
    yield page;
  }
}

function isBehind(row: LogRow, second: string | undefined): string {
  const no = big(row.convNo);
  if (second === undefined) return `conv_no > ${no}`;
  const at = row.t === 'entry' ? int(row.seq) : text(row.t === 'member' ? row.member.userId : userOf(row));
  return `conv_no > ${no} OR (conv_no = ${no} AND ${second} > ${at})`;
}

function userOf(row: LogRow): string {
  return row.t === 'cursor' ? row.userId : '';
}

const tableNames = [...Object.values(tables).map(({ name }) => name), ...userTables];

/** What the server believes without counting. */
export async function estimateRows(session: Session): Promise<number> {
  const names = tableNames.map(text);
  const [found] = await session.query(
    `SELECT COALESCE(SUM(table_rows), 0) FROM information_schema.tables
      WHERE table_schema = DATABASE() AND table_name IN (${names.join(',')})`,
    pageTimeoutMs,
  );
  return Number(found?.rows[0]?.[0] ?? 0);
}

export async function hasRows(session: Session): Promise<boolean> {
  const parts = tableNames.map((name) => `EXISTS (SELECT 1 FROM ${name})`);
  const [found] = await session.query(`SELECT ${parts.join(' OR ')}`, pageTimeoutMs);
  return Number(found?.rows[0]?.[0]) === 1;
}

/**
 * The statements that write rows, which are all of one table. Members carry their conversation's id, for lists; the
 * archive says it once, with the conversation. Throws a StoreError for a member of none.
 */
export function insertRows(rows: readonly ArchiveRow[], convIds: ReadonlyMap<ConvNo, ConvId>): string {
  const [first] = rows;
  if (first === undefined) return 'DO 0';
  if (first.t === 'user') return insertUsers(rows.filter((row) => row.t === 'user'));
  const { name, columns } = tables[first.t];
  const listed = first.t === 'member' ? `, conv_id` : '';
  const values = rows.filter(isLogRow).map((row) => {
    const fields =
      row.t === 'member' ? [...fieldsOf(row), text(convIdFor(row.convNo, convIds))] : fieldsOf(row);
    return `(${fields.join(',')})`;
  });
  return `INSERT INTO ${name} (conv_no, ${columns}${listed}) VALUES ${values.join(',')}`;
}

function convIdFor(convNo: ConvNo, convIds: ReadonlyMap<ConvNo, ConvId>): ConvId {
  const convId = convIds.get(convNo);
  if (convId === undefined)
    throw new StoreError('unavailable', `rows of the export belong to no conversation: ${convNo}`);
  return convId;
}

/** The ids of the conversations that rows of members belong to; of other rows none are needed. */
export async function convIdsOf(
  session: Session,
  rows: readonly ArchiveRow[],
): Promise<ReadonlyMap<ConvNo, ConvId>> {
  const nos = new Set(rows.filter((row) => row.t === 'member').map(({ convNo }) => convNo));
  if (nos.size === 0) return new Map();
  const [found] = await session.query(
    `SELECT conv_no, conv_id FROM conversation WHERE conv_no IN ${list([...nos].map(big))}`,
    pageTimeoutMs,
  );
  return new Map((found?.rows ?? []).map(([no, convId]) => [bigOf(no), convIdOf(convId)]));
}

function isLogRow(row: ArchiveRow): row is LogRow {
  return row.t !== 'user';
}

function fieldsOf(row: LogRow): readonly string[] {
  const no = big(row.convNo);
  switch (row.t) {
    case 'conversation': {
      const [one, two] = row.users.map(text);
      const kind = String(conversationKindCode(row.kind));
      return [no, text(row.convId), kind, one ?? 'NULL', two ?? 'NULL', int(row.projectedSeq)];
    }
    case 'group': {
      const { name, owner, maxMembers, history, memberCount, version } = row.group;
      const shown = String(visibilityCode(history));
      return [no, text(name), text(owner), int(maxMembers), shown, int(memberCount), int(version)];
    }
    case 'member': {
      const { userId, role, joinedSeq, joinedOrd, leftSeq, leftOrd, rev } = row.member;
      const numbers = [joinedSeq, joinedOrd, leftSeq, leftOrd].map(int);
      return [no, text(userId), String(roleCode(role)), ...numbers, big(rev)];
    }
    case 'cursor':
      return [no, text(row.userId), int(row.deliveredSeq), int(row.readSeq), int(row.readOrd)];
    case 'entry': {
      const { seq, msgId, kind, recalled, revision, ord, createdAtMs, keyId, clientKey, sender, sealed } =
        row;
      return [
        no,
        int(seq),
        big(msgId),
        String(entryKindCode(kind)),
        recalled ? '1' : '0',
        int(revision),
        int(ord),
        int(createdAtMs),
        int(keyId),
        clientKey === undefined ? 'NULL' : keyLiteral(clientKey),
        text(sender),
        bytes(sealed),
      ];
    }
  }
}
