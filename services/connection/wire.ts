import { create, fromBinary, type MessageInitShape } from '@bufbuild/protobuf';
import {
  ConversationKind as WireKind,
  type Entry,
  EntrySchema,
  Role as WireRole,
} from '../../gen/parley/chat/v1/entry_pb.ts';
import type { ConversationStateSchema } from '../../gen/parley/chat/v1/conversation_pb.ts';
import { type Error as WireError, ErrorSchema, Retry } from '../../gen/parley/chat/v1/error_pb.ts';
import type { EntriesSchema, SentSchema } from '../../gen/parley/chat/v1/session_pb.ts';
import { type GroupSchema, HistoryVisibility as WireHistory } from '../../gen/parley/chat/v1/group_pb.ts';
import { type Event, EventSchema } from '../../gen/parley/chat/v1/session_pb.ts';
import { encodeEntry, eventFragment } from '../codec/frames.ts';
import type { Fault, RetryAdvice } from '../core/fault.ts';
import type { ConversationView, GroupView, LogEntry, Result } from '../peer/edge-frames.ts';
import type { HistoryVisibility, Role } from '../ports/message-store.ts';

/** From what nodes say to each other to what clients read. */

const wireRetry: Record<RetryAdvice, Retry> = {
  never: Retry.NEVER,
  here: Retry.HERE,
  elsewhere: Retry.ELSEWHERE,
};
const wireRole: Record<Role, WireRole> = {
  member: WireRole.MEMBER,
  admin: WireRole.ADMIN,
  owner: WireRole.OWNER,
};
const wireHistory: Record<HistoryVisibility, WireHistory> = {
  sinceJoin: WireHistory.SINCE_JOIN,
  all: WireHistory.ALL,
};

export function errorOf(fault: Fault): WireError {
  return create(ErrorSchema, {
    code: fault.spec.code,
    reason: fault.reason,
    message: fault.message,
    retry: wireRetry[fault.spec.retry],
    retryAfterMs: fault.retryAfterMs,
    field: fault.field,
  });
}

export function event(replyTo: number, what: MessageInitShape<typeof EventSchema>['event']): Event {
  return create(EventSchema, { replyTo, event: what });
}

export function fragment(replyTo: number, what: MessageInitShape<typeof EventSchema>['event']): Uint8Array {
  return eventFragment(event(replyTo, what));
}

/** The last that a session is told. */
export function kickedFragment({ reason, spec, reconnect, message }: Fault): Uint8Array {
  const value = { reason, closeCode: spec.closeCode, reconnect, message };
  return fragment(0, { case: 'kicked', value });
}

export function gapFragment(convId: string, fromSeq: number, toSeq: number): Uint8Array {
  return fragment(0, { case: 'gap', value: { convId, fromSeq: BigInt(fromSeq), toSeq: BigInt(toSeq) } });
}

export function entryOf(entry: LogEntry): Entry {
  return fromBinary(EntrySchema, encodeEntry(entry, entry.content));
}

export function sentOf(sent: Extract<Result, { t: 'sent' }>): MessageInitShape<typeof SentSchema> {
  const { convId, msgId, duplicate } = sent;
  return { convId, seq: BigInt(sent.seq), msgId, createdAtMs: BigInt(sent.createdAtMs), duplicate };
}

export function entriesOf(page: Extract<Result, { t: 'page' }>): MessageInitShape<typeof EntriesSchema> {
  const { convId, more } = page;
  return { convId, entries: page.entries.map(entryOf), headSeq: BigInt(page.headSeq), more };
}

export function conversationOf(view: ConversationView): MessageInitShape<typeof ConversationStateSchema> {
  return {
    convId: view.convId,
    kind: view.kind === 'direct' ? WireKind.DIRECT : WireKind.GROUP,
    peer: view.peer ?? '',
    name: view.name,
    role: wireRole[view.role],
    memberCount: view.memberCount,
    headSeq: BigInt(view.headSeq),
    headMsgId: view.headMsgId,
    joinedSeq: BigInt(view.joinedSeq),
    leftSeq: BigInt(view.leftSeq),
    unread: BigInt(view.unread),
    readSeq: BigInt(view.readSeq),
    deliveredSeq: BigInt(view.deliveredSeq),
    peerReadSeq: BigInt(view.peerReadSeq),
    peerDeliveredSeq: BigInt(view.peerDeliveredSeq),
    rev: view.rev,
    entries: view.entries.map(entryOf),
    gapFromSeq: BigInt(view.gapFromSeq),
    startOver: view.startOver,
  };
}

export function groupOf(group: GroupView): MessageInitShape<typeof GroupSchema> {
  return {
    groupId: group.groupId,
    name: group.name,
    owner: group.owner,
    memberCount: group.memberCount,
    maxMembers: group.maxMembers,
    history: wireHistory[group.history],
    version: BigInt(group.version),
    role: wireRole[group.role],
  };
}

export function roleOf(role: Role): WireRole {
  return wireRole[role];
}

export function roleFrom(role: WireRole): Role | undefined {
  if (role === WireRole.OWNER) return 'owner';
  if (role === WireRole.ADMIN) return 'admin';
  return role === WireRole.MEMBER ? 'member' : undefined;
}
