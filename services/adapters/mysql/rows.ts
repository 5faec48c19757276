import type { ConvId, ConvNo, UserId } from '../../core/ids.ts';
import type { ConversationKind, CursorRow, GroupRow, Head, MemberRow } from '../../ports/message-store.ts';
import { conversationKindAt, roleAt, visibilityAt } from '../../ports/stored-words.ts';
import type { Row, Value } from './session.ts';

/** Rows of the tables as the port knows them. Each reader takes the columns that stand above it, in that order. */

export const headColumns = 'seq, ord, msg_id';

export function headOf([seq, ord, msgId]: Row): Head {
  return { seq: Number(seq), ord: Number(ord), msgId: bigOf(msgId) };
}

export const memberColumns = 'user_id, role, joined_seq, joined_ord, left_seq, left_ord, rev';

export function memberOf([userId, role, joinedSeq, joinedOrd, leftSeq, leftOrd, rev]: Row): MemberRow {
  return {
    userId: textOf(userId) as UserId,
    role: roleAt(Number(role)),
    joinedSeq: Number(joinedSeq),
    joinedOrd: Number(joinedOrd),
    leftSeq: Number(leftSeq),
    leftOrd: Number(leftOrd),
    rev: bigOf(rev),
  };
}

export const groupColumns = 'name, owner, max_members, history, member_count, version';

export function groupOf([name, owner, maxMembers, history, memberCount, version]: Row): GroupRow {
  return {
    name: textOf(name),
    owner: textOf(owner),
    maxMembers: Number(maxMembers),
    history: visibilityAt(Number(history)),
    memberCount: Number(memberCount),
    version: Number(version),
  };
}

export const cursorColumns = 'user_id, delivered_seq, read_seq, read_ord';

export function cursorOf(convNo: ConvNo, [userId, deliveredSeq, readSeq, readOrd]: Row): CursorRow {
  return {
    convNo,
    userId: textOf(userId) as UserId,
    deliveredSeq: Number(deliveredSeq),
    readSeq: Number(readSeq),
    readOrd: Number(readOrd),
  };
}

export function kindOf(value: Value | undefined): ConversationKind {
  return conversationKindAt(Number(value));
}

export function convIdOf(value: Value | undefined): ConvId {
  return textOf(value) as ConvId;
}

export function bigOf(value: Value | undefined): bigint {
  return BigInt(value as string);
}

export function textOf(value: Value | undefined): string {
  return (value as Buffer).toString('utf8');
}

/** The columns with the name of their table in front. */
export function of(table: string, columns: string): string {
  return columns
    .split(', ')
    .map((column) => `${table}.${column}`)
    .join(', ');
}

/** The last seq of the conversation in `table`, which has a conv_no: one look-up, however long the log is. */
export function lastSeq(table: string): string {
  return (
    `(SELECT h.seq FROM message h FORCE INDEX (PRIMARY) WHERE h.conv_no = ${table}.conv_no ` +
    `ORDER BY h.seq DESC LIMIT 1)`
  );
}
