import type { ConvId, UserId } from '../../core/ids.ts';
import type { Membership } from '../../ports/message-store.ts';
import type { Database } from './database.ts';
import {
  bigOf,
  convIdOf,
  cursorColumns,
  cursorOf,
  groupColumns,
  groupOf,
  headColumns,
  headOf,
  kindOf,
  lastSeq,
  memberColumns,
  memberOf,
  of,
  textOf,
} from './rows.ts';
import type { Row } from './session.ts';
import { int, text } from './sql.ts';

/** A page of a user's list with all that it shows, in one statement and so one snapshot; see `MessageStore.memberships`. */
export async function memberships(
  database: Database,
  userId: UserId,
  after: ConvId | undefined,
  limit: number,
): Promise<readonly Membership[]> {
  const me = text(userId);
  const behind = after === undefined ? '' : ` AND conv_id > ${text(after)}`;
  // The page first, by its index alone; everything else is looked up for its rows.
  const [found] = await database.read(
    `SELECT c.conv_no, c.conv_id, c.kind, c.user_one, c.user_two, ${of('r', memberColumns)}, ${of('m', headColumns)},
        ${of('mine', cursorColumns)}, ${of('theirs', cursorColumns)}, ${of('g', groupColumns)}
      FROM (SELECT conv_no, conv_id FROM conversation_member FORCE INDEX (user_list)
        WHERE user_id = ${me}${behind} ORDER BY conv_id LIMIT ${int(limit)}) page
      JOIN conversation c ON c.conv_no = page.conv_no
      JOIN conversation_member r ON r.conv_no = page.conv_no AND r.user_id = ${me}
      JOIN message m ON m.conv_no = page.conv_no AND m.seq = ${lastSeq('page')}
      LEFT JOIN conversation_cursor mine ON mine.conv_no = page.conv_no AND mine.user_id = ${me}
      LEFT JOIN conversation_cursor theirs ON theirs.conv_no = page.conv_no
        AND theirs.user_id = IF(c.user_one = ${me}, COALESCE(c.user_two, c.user_one), c.user_one)
      LEFT JOIN chat_group g ON g.conv_no = page.conv_no
      ORDER BY page.conv_id`,
  );
  return (found?.rows ?? []).map((row) => membershipOf(userId, row));
}

function membershipOf(userId: UserId, row: Row): Membership {
  const [no, convId, kind, one, two] = row;
  const convNo = bigOf(no);
  const cursor = row.slice(15, 19);
  const peerCursor = row.slice(19, 23);
  const group = row.slice(23, 29);
  return {
    convNo,
    convId: convIdOf(convId),
    kind: kindOf(kind),
    member: memberOf(row.slice(5, 12)),
    head: headOf(row.slice(12, 15)),
    peer: one === null ? undefined : peerOf(userId, textOf(one), two === null ? undefined : textOf(two)),
    cursor: cursor[0] === null ? undefined : cursorOf(convNo, cursor),
    peerCursor: peerCursor[0] === null ? undefined : cursorOf(convNo, peerCursor),
    group: group[0] === null ? undefined : groupOf(group),
  };
}

/** The other one; the user himself where he talks to himself. */
function peerOf(userId: UserId, one: string, two: string | undefined): UserId {
  return (one === userId ? (two ?? one) : one) as UserId;
}
