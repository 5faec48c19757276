import { z } from 'zod';
import type { ConversationState } from '../../gen/parley/chat/v1/conversation_pb.ts';
import { ConversationKind } from '../../gen/parley/chat/v1/entry_pb.ts';
import { type Group, HistoryVisibility, type Member } from '../../gen/parley/chat/v1/group_pb.ts';
import type { Sent } from '../../gen/parley/chat/v1/session_pb.ts';
import { entryJson, entryShape } from './entry-shape.ts';
import { roleName, roleNames } from './roles.ts';

/** What REST answers with: snake_case, seqs as numbers, msg ids as strings, times in seconds. */

export const timestamp = z.number().describe('Seconds since 1970, with a fraction.');
const seqShape = z.int().describe('Place in the log.');

export const sentShape = z.object({
  msg_id: z.string().describe('Id of the entry.'),
  conv_id: z.string().describe('The conversation.'),
  seq: seqShape,
  timestamp,
  duplicate: z.boolean().describe('An earlier request with this Idempotency-Key made the entry.'),
});

export function sentJson(sent: Sent | undefined): z.input<typeof sentShape> {
  return {
    msg_id: String(sent?.msgId ?? 0n),
    conv_id: sent?.convId ?? '',
    seq: Number(sent?.seq ?? 0n),
    timestamp: Number(sent?.createdAtMs ?? 0n) / 1000,
    duplicate: sent?.duplicate ?? false,
  };
}

/** Answer to a change of a group. */
export const changedShape = z.object({
  seq: seqShape.describe('The seq of the entry; 0 when there was nothing to change.'),
});

export const groupShape = z.object({
  group_id: z.string(),
  name: z.string(),
  owner: z.string(),
  member_count: z.int(),
  max_members: z.int(),
  history: z.enum(['all', 'since_join']).describe('What newcomers see.'),
  version: z.string().describe('Grows with each change.'),
  role: z.enum(roleNames).optional().describe('Your role.'),
});

export function groupJson(group: Group | undefined): z.input<typeof groupShape> {
  return {
    group_id: group?.groupId ?? '',
    name: group?.name ?? '',
    owner: group?.owner ?? '',
    member_count: group?.memberCount ?? 0,
    max_members: group?.maxMembers ?? 0,
    history: group?.history === HistoryVisibility.ALL ? 'all' : 'since_join',
    version: String(group?.version ?? 0n),
    role: group === undefined ? undefined : roleName(group.role),
  };
}

export const memberShape = z.object({
  user_id: z.string(),
  role: z.enum(roleNames).optional(),
  joined_seq: z.int(),
  delivered_seq: z.int(),
  read_seq: z.int(),
});

export function memberJson(member: Member): z.input<typeof memberShape> {
  return {
    user_id: member.userId,
    role: roleName(member.role),
    joined_seq: Number(member.joinedSeq),
    delivered_seq: Number(member.deliveredSeq),
    read_seq: Number(member.readSeq),
  };
}

export const conversationShape = z.object({
  conv_id: z.string(),
  kind: z.enum(['direct', 'group']),
  peer: z.string().optional().describe('The other user of a direct conversation.'),
  name: z.string().optional().describe('The name of a group.'),
  role: z.enum(roleNames).optional(),
  member_count: z.int(),
  head_seq: z.int(),
  unread: z.int(),
  read_seq: z.int(),
  delivered_seq: z.int(),
  joined_seq: z.int(),
  left_seq: z.int().optional().describe('Set when you left.'),
  entries: z.array(entryShape),
});

export function conversationJson(state: ConversationState): z.input<typeof conversationShape> {
  const direct = state.kind === ConversationKind.DIRECT;
  return {
    conv_id: state.convId,
    kind: direct ? 'direct' : 'group',
    peer: direct ? state.peer : undefined,
    name: direct ? undefined : state.name,
    role: roleName(state.role),
    member_count: state.memberCount,
    head_seq: Number(state.headSeq),
    unread: Number(state.unread),
    read_seq: Number(state.readSeq),
    delivered_seq: Number(state.deliveredSeq),
    joined_seq: Number(state.joinedSeq),
    left_seq: state.leftSeq === 0n ? undefined : Number(state.leftSeq),
    entries: state.entries.map(entryJson),
  };
}
