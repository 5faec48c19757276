import { StoreError } from '../../ports/message-store.ts';
import type { Conditions, Rendered } from './rendered.ts';
import { big, bytes, int, text } from './sql.ts';

/** The row of the outbox that a transaction writes. */
export interface OutboxHead {
  readonly batchId: bigint;
  readonly part: number;
  readonly incarnation: string;
  readonly epoch: string;
  /** Undefined where nobody reads the outbox: the row then does its work as a fence, and goes again. */
  readonly payload: Uint8Array | undefined;
}

// Columns are named everywhere: those of a program after this one may add some, while this one still runs.
const conversationColumns = 'conv_no,conv_id,kind,user_one,user_two,projected_seq';
const messageColumns = 'conv_no,seq,msg_id,kind,status,revision,ord,created_at,key_id,client_key,sender,body';
const memberColumns = 'conv_no,user_id,conv_id,role,joined_seq,joined_ord,left_seq,left_ord,rev';
const memberUpdates = 'role,joined_seq,joined_ord,left_seq,left_ord,rev';
const groupColumns = 'conv_no,name,owner,max_members,history,member_count,version';

// A statement is parsed as a whole: many of some hundred KiB cost less memory than one of many MiB.
const statementBytes = 512 * 1024;
const packetBytes = 4 * 1024 * 1024;

/**
 * The packets of one transaction, nearly always one. The first begins with ROLLBACK, in case the session's last user
 * left anything; the last ends with COMMIT. Whatever is refused, nothing behind it runs, COMMIT least of all. Rows are
 * sorted by key, so that two writers seldom wait for each other. Throws a StoreError `rejected` where a row is larger
 * than the server takes.
 */
export function packetsOf(head: OutboxHead, parts: readonly Rendered[], maxPacketBytes: number): string[] {
  const sorted = parts.toSorted(({ commit: one }, { commit: other }) => (one.convNo < other.convNo ? -1 : 1));
  const statements = [
    'ROLLBACK',
    'START TRANSACTION',
    outboxRow(head, sorted),
    ...inserts(
      `conversation (${conversationColumns})`,
      sorted.map((part) => part.conversation).filter((row) => row !== undefined),
    ),
    ...sorted.flatMap(({ changes }) => changes),
    ...inserts(
      `message (${messageColumns})`,
      sorted.flatMap(({ messages }) => messages),
    ),
    ...inserts(
      `conversation_member (${memberColumns})`,
      sorted.flatMap(({ members }) => members),
      memberUpdates,
    ),
    ...inserts(
      `chat_group (${groupColumns})`,
      sorted.map((part) => part.group).filter((row) => row !== undefined),
      groupColumns,
    ),
  ];
  if (head.payload === undefined)
    statements.push(`DELETE FROM outbox WHERE batch_id=${big(head.batchId)} AND part=${int(head.part)}`);
  statements.push('COMMIT');
  return packed(statements, maxPacketBytes);
}

/** Its `conditions` is NULL, which the column refuses, unless each condition holds for one row. */
function outboxRow(
  { batchId, part, incarnation, epoch, payload }: OutboxHead,
  parts: readonly Rendered[],
): string {
  const holds = conditionsHold(parts.map(({ conditions }) => conditions));
  return (
    `INSERT INTO outbox (batch_id,part,incarnation,epoch,created_at,conditions,payload) VALUES (${big(batchId)},` +
    `${int(part)},${text(incarnation)},${text(epoch)},CAST(UNIX_TIMESTAMP(CURRENT_TIMESTAMP(3))*1000 AS UNSIGNED),` +
    `${holds},${bytes(payload ?? new Uint8Array())})`
  );
}

/**
 * 1 where all conditions hold, else NULL. The entries before are looked up from a JSON table: as ORs, 256 of them cost
 * MariaDB 1.3 ms to plan, and 40 ms where it may merge indexes; so they cost 0.5 ms.
 */
function conditionsHold(conditions: readonly Conditions[]): string {
  const before = conditions.map((each) => each.before).filter((each) => each !== undefined);
  const changed = conditions.flatMap((each) => each.changed);
  const conversations = conditions.map((each) => each.conversation).filter((each) => each !== undefined);
  const counts: string[] = [];
  if (before.length > 0)
    counts.push(
      `(SELECT COUNT(*) FROM JSON_TABLE('[${before.join(',')}]', '$[*]' COLUMNS (no BIGINT UNSIGNED PATH '$[0]', ` +
        `at BIGINT UNSIGNED PATH '$[1]')) before_it JOIN message m ON m.conv_no=before_it.no AND m.seq=before_it.at)`,
    );
  if (changed.length > 0)
    counts.push(`(SELECT COUNT(*) FROM message FORCE INDEX (PRIMARY) WHERE (${changed.join(') OR (')}))`);
  if (conversations.length > 0)
    counts.push(
      `(SELECT COUNT(*) FROM conversation FORCE INDEX (PRIMARY) WHERE (${conversations.join(') OR (')}))`,
    );
  const wanted = before.length + changed.length + conversations.length;
  return wanted === 0 ? '1' : `IF(${counts.join('+')}=${wanted},1,NULL)`;
}

function* inserts(into: string, rows: readonly string[], updated?: string): Generator<string> {
  const suffix =
    updated === undefined
      ? ''
      : ` ON DUPLICATE KEY UPDATE ${updated
          .split(',')
          .map((column) => `${column}=VALUES(${column})`)
          .join(',')}`;
  let from = 0;
  let size = 0;
  for (const [at, row] of rows.entries()) {
    if (size > 0 && size + row.length > statementBytes) {
      yield `INSERT INTO ${into} VALUES ${rows.slice(from, at).join(',')}${suffix}`;
      from = at;
      size = 0;
    }
    size += row.length + 1;
  }
  if (from < rows.length) yield `INSERT INTO ${into} VALUES ${rows.slice(from).join(',')}${suffix}`;
}

function packed(statements: readonly string[], maxPacketBytes: number): string[] {
  // The server counts the command's own bytes, too.
  const most = maxPacketBytes - 64;
  const aim = Math.min(most, packetBytes);
  const packets: string[] = [];
  let waiting: string[] = [];
  let size = 0;
  for (const statement of statements) {
    if (statement.length > most)
      throw new StoreError(
        'rejected',
        `a row of ${statement.length} bytes is more than the database takes (${most})`,
      );
    if (size > 0 && size + statement.length > aim) {
      packets.push(waiting.join(';'));
      waiting = [];
      size = 0;
    }
    waiting.push(statement);
    size += statement.length + 1;
  }
  packets.push(waiting.join(';'));
  return packets;
}
