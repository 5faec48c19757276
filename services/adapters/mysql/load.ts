import { setImmediate as turn } from 'node:timers/promises';
import type { ConvId, ConvNo } from '../../core/ids.ts';
import type { ConversationSnapshot, GroupRow, HeadSnapshot, MemberRow } from '../../ports/message-store.ts';
import type { Database } from './database.ts';
import {
  bigOf,
  convIdOf,
  groupColumns,
  groupOf,
  headColumns,
  headOf,
  kindOf,
  lastSeq,
  memberColumns,
  memberOf,
  of,
} from './rows.ts';
import type { Names } from './seals.ts';
import type { Row } from './session.ts';
import { list, text } from './sql.ts';

/** Rows made into objects in one turn of the event loop: about a millisecond. */
const rowsAtOnce = 2_000;

/** Heads, groups and members in one packet and one snapshot; see `MessageStore.load`. */
export async function load(
  database: Database,
  names: Names,
  convIds: readonly ConvId[],
): Promise<readonly (ConversationSnapshot | undefined)[]> {
  if (convIds.length === 0) return [];
  const wanted = `c.conv_id IN ${list([...new Set(convIds)].map(text))}`;
  const sql = [
    'START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY',
    headsOf('c.conv_no, c.conv_id, c.kind, c.projected_seq', wanted, convIds.length),
    `SELECT g.conv_no, ${of('g', groupColumns)} FROM conversation c JOIN chat_group g ON g.conv_no = c.conv_no
      WHERE ${wanted}`,
    `SELECT r.conv_no, ${of('r', memberColumns)} FROM conversation c JOIN conversation_member r ON r.conv_no = c.conv_no
      WHERE ${wanted}`,
    'COMMIT',
  ].join(';');
  const [, conversations, groups, members] = await database.reading((session) =>
    session.query(sql, database.readTimeoutMs),
  );
  const groupByNo = new Map((groups?.rows ?? []).map(([no, ...row]) => [bigOf(no), groupOf(row)]));
  const membersByNo = await membersOf(members?.rows ?? []);
  const byId = new Map<ConvId, ConversationSnapshot>();
  for (const row of conversations?.rows ?? []) {
    const snapshot = snapshotOf(row, groupByNo, membersByNo);
    byId.set(snapshot.convId, snapshot);
    names.set(snapshot.convNo, snapshot.convId);
  }
  return convIds.map((convId) => byId.get(convId));
}

/** See `MessageStore.heads`. */
export async function heads(
  database: Database,
  convIds: readonly ConvId[],
): Promise<readonly (HeadSnapshot | undefined)[]> {
  if (convIds.length === 0) return [];
  const wanted = `c.conv_id IN ${list([...new Set(convIds)].map(text))}`;
  const sql = headsOf('c.conv_id, c.projected_seq', wanted, convIds.length);
  const [found] = await database.reading((session) => session.query(sql, database.readTimeoutMs));
  const byId = new Map<ConvId, HeadSnapshot>();
  for (const [id, projectedSeq, ...head] of found?.rows ?? []) {
    const convId = convIdOf(id);
    byId.set(convId, { convId, head: headOf(head), projectedSeq: Number(projectedSeq) });
  }
  return convIds.map((convId) => byId.get(convId));
}

/** The limit, which no call reaches, has the heads looked up once: merged into the join they are three times. */
function headsOf(columns: string, wanted: string, limit: number): string {
  return `SELECT ${columns}, ${of('m', headColumns)}
      FROM (SELECT c.*, ${lastSeq('c')} AS last_seq FROM conversation c WHERE ${wanted} LIMIT ${limit}) c
      JOIN message m FORCE INDEX (PRIMARY) ON m.conv_no = c.conv_no AND m.seq = c.last_seq`;
}

function snapshotOf(
  [no, convId, kind, projectedSeq, ...head]: Row,
  groups: ReadonlyMap<ConvNo, GroupRow>,
  members: ReadonlyMap<ConvNo, readonly MemberRow[]>,
): ConversationSnapshot {
  const convNo = bigOf(no);
  return {
    convNo,
    convId: convIdOf(convId),
    kind: kindOf(kind),
    head: headOf(head),
    projectedSeq: Number(projectedSeq),
    group: groups.get(convNo),
    members: members.get(convNo) ?? [],
  };
}

async function membersOf(rows: readonly Row[]): Promise<ReadonlyMap<ConvNo, readonly MemberRow[]>> {
  const byNo = new Map<ConvNo, MemberRow[]>();
  for (const [at, [no, ...row]] of rows.entries()) {
    if (at > 0 && at % rowsAtOnce === 0) await turn();
    const convNo = bigOf(no);
    const members = byNo.get(convNo);
    if (members === undefined) byNo.set(convNo, [memberOf(row)]);
    else members.push(memberOf(row));
  }
  return byNo;
}
