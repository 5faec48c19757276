import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  ConversationView as WireView,
  ConversationViewSchema,
  GroupState,
  GroupStateSchema,
  LogEntry as WireEntry,
  LogEntrySchema,
  OwnerReply,
  OwnerReplySchema,
} from '../../gen/parley/node/v1/owner_link_pb.ts';
import { byteString, bytesOf } from '../core/byte-string.ts';
import type { ConvId, UserId } from '../core/ids.ts';
import type { ConversationView, GroupView, LogEntry, Result } from './edge-frames.ts';
import { roleOf, visibilityOf, wireRole, wireVisibility } from './group-change-wire.ts';
import { malformed } from './malformed.ts';
import { optionalConv, optionalUser } from './operation-wire.ts';

/** What message nodes answer, as it is on the wire. */

type WireResult = MessageInitShape<typeof OwnerReplySchema>['result'];

export function wireResult(result: Result): WireResult {
  switch (result.t) {
    case 'sent': {
      const { convId, seq, msgId, createdAtMs, duplicate } = result;
      const value = { convId, seq: BigInt(seq), msgId, createdAtMs: BigInt(createdAtMs), duplicate };
      return { case: 'sent', value };
    }
    case 'read':
      return { case: 'read', value: { readSeq: BigInt(result.readSeq) } };
    case 'page': {
      const { convId, entries, headSeq, more } = result;
      const value = { convId, entries: entries.map(wireEntry), headSeq: BigInt(headSeq), more };
      return { case: 'page', value };
    }
    case 'place':
      return { case: 'place', value: { convId: result.convId, seq: BigInt(result.seq) } };
    case 'conversations': {
      const { conversations, removed, next = '' } = result;
      const value = { conversations: conversations.map(wireView), removed: [...removed], next };
      return { case: 'conversations', value };
    }
    case 'groupChanged': {
      const { seq, group } = result;
      const value = { seq: BigInt(seq), ...(group === undefined ? {} : { group: wireGroup(group) }) };
      return { case: 'groupChanged', value };
    }
    case 'group':
      return { case: 'group', value: wireGroup(result.group) };
    case 'members': {
      const members = result.members.map(({ userId, role, joinedSeq, deliveredSeq, readSeq }) => ({
        userId,
        role: wireRole(role),
        joinedSeq: BigInt(joinedSeq),
        deliveredSeq: BigInt(deliveredSeq),
        readSeq: BigInt(readSeq),
      }));
      return { case: 'members', value: { members, next: result.next ?? '' } };
    }
    case 'presence': {
      const users = result.users.map(({ userId, online, lastSeenAtMs }) => ({
        userId,
        online,
        lastSeenAtMs: BigInt(lastSeenAtMs),
      }));
      return { case: 'presence', value: { users } };
    }
    case 'ids':
      return { case: 'ids', value: { ids: [...result.ids] } };
    case 'device':
      return { case: 'device', value: { response: result.response } };
  }
}

export function resultOf({ result }: OwnerReply): Result {
  switch (result.case) {
    case 'sent': {
      const { convId, seq, msgId, createdAtMs, duplicate } = result.value;
      return {
        t: 'sent',
        convId: convId as ConvId,
        seq: Number(seq),
        msgId,
        createdAtMs: Number(createdAtMs),
        duplicate,
      };
    }
    case 'read':
      return { t: 'read', readSeq: Number(result.value.readSeq) };
    case 'page': {
      const { convId, entries, headSeq, more } = result.value;
      return {
        t: 'page',
        convId: convId as ConvId,
        entries: entries.map(entryOf),
        headSeq: Number(headSeq),
        more,
      };
    }
    case 'place':
      return { t: 'place', convId: result.value.convId as ConvId, seq: Number(result.value.seq) };
    case 'conversations': {
      const { conversations, removed, next } = result.value;
      return {
        t: 'conversations',
        conversations: conversations.map(viewOf),
        removed: removed as ConvId[],
        next: optionalConv(next),
      };
    }
    case 'groupChanged': {
      const { seq, group } = result.value;
      return { t: 'groupChanged', seq: Number(seq), group: group && groupOf(group) };
    }
    case 'group':
      return { t: 'group', group: groupOf(result.value) };
    case 'members': {
      const members = result.value.members.map(({ userId, role, joinedSeq, deliveredSeq, readSeq }) => ({
        userId: userId as UserId,
        role: roleOf(role),
        joinedSeq: Number(joinedSeq),
        deliveredSeq: Number(deliveredSeq),
        readSeq: Number(readSeq),
      }));
      return { t: 'members', members, next: optionalUser(result.value.next) };
    }
    case 'presence': {
      const users = result.value.users.map(({ userId, online, lastSeenAtMs }) => ({
        userId: userId as UserId,
        online,
        lastSeenAtMs: Number(lastSeenAtMs),
      }));
      return { t: 'presence', users };
    }
    case 'ids':
      return { t: 'ids', ids: result.value.ids };
    case 'device': {
      const { response } = result.value;
      return response.case === undefined ? malformed('a device result') : { t: 'device', response };
    }
    case undefined:
      return malformed('a result');
  }
}

export function wireEntry(entry: LogEntry): MessageInitShape<typeof LogEntrySchema> {
  const { convId, seq, msgId, sender, createdAtMs, ord, revision, content } = entry;
  return {
    convId,
    seq: BigInt(seq),
    msgId,
    sender,
    createdAtMs: BigInt(createdAtMs),
    ord: BigInt(ord),
    revision,
    content: bytesOf(content),
  };
}

export function entryOf(wire: WireEntry): LogEntry {
  const { convId, seq, msgId, sender, createdAtMs, ord, revision, content } = wire;
  return {
    convId: convId as ConvId,
    seq: Number(seq),
    msgId,
    sender,
    createdAtMs: Number(createdAtMs),
    ord: Number(ord),
    revision,
    content: byteString(content),
  };
}

function wireView(view: ConversationView): MessageInitShape<typeof ConversationViewSchema> {
  return {
    convId: view.convId,
    group: view.kind === 'group',
    peer: view.peer ?? '',
    name: view.name,
    role: wireRole(view.role),
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
    entries: view.entries.map(wireEntry),
    gapFromSeq: BigInt(view.gapFromSeq),
    startOver: view.startOver,
  };
}

function viewOf(wire: WireView): ConversationView {
  return {
    convId: wire.convId as ConvId,
    kind: wire.group ? 'group' : 'direct',
    peer: optionalUser(wire.peer),
    name: wire.name,
    role: roleOf(wire.role),
    memberCount: wire.memberCount,
    headSeq: Number(wire.headSeq),
    headMsgId: wire.headMsgId,
    joinedSeq: Number(wire.joinedSeq),
    leftSeq: Number(wire.leftSeq),
    unread: Number(wire.unread),
    readSeq: Number(wire.readSeq),
    deliveredSeq: Number(wire.deliveredSeq),
    peerReadSeq: Number(wire.peerReadSeq),
    peerDeliveredSeq: Number(wire.peerDeliveredSeq),
    rev: wire.rev,
    entries: wire.entries.map(entryOf),
    gapFromSeq: Number(wire.gapFromSeq),
    startOver: wire.startOver,
  };
}

function wireGroup(view: GroupView): MessageInitShape<typeof GroupStateSchema> {
  const { groupId, name, owner, memberCount, maxMembers, history, version, role } = view;
  return {
    groupId,
    name,
    owner,
    memberCount,
    maxMembers,
    history: wireVisibility(history),
    version: BigInt(version),
    role: wireRole(role),
  };
}

function groupOf(wire: GroupState): GroupView {
  const { groupId, name, owner, memberCount, maxMembers, history, version, role } = wire;
  return {
    groupId: groupId as ConvId,
    name,
    owner,
    memberCount,
    maxMembers,
    history: visibilityOf(history),
    version: Number(version),
    role: roleOf(role),
  };
}
