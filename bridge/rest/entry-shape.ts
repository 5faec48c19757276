import { z } from 'zod';
import type { Entry } from '../../gen/parley/chat/v1/entry_pb.ts';
import { roleName } from './roles.ts';

export const entryShape = z.object({
  conv_id: z.string(),
  seq: z.int(),
  msg_id: z.string(),
  user_id: z.string().describe('Who caused the entry.'),
  timestamp: z.number().describe('Seconds since 1970, with a fraction.'),
  revision: z.int(),
  client_id: z.string(),
  type: z
    .enum([
      'message',
      'recalled',
      'recall',
      'group_created',
      'group_renamed',
      'members_added',
      'member_removed',
      'role_changed',
      'hidden',
      'unknown',
    ])
    .describe('What happened.'),
  content: z.string().optional().describe('Of a message: its text, or base64 where `encoding` says so.'),
  content_type: z.string().optional(),
  encoding: z.literal('base64').optional(),
  reply_to_seq: z.int().optional(),
  attributes: z.record(z.string(), z.string()).optional(),
  detail: z
    .record(z.string(), z.unknown())
    .optional()
    .describe('Of all that is no message. Behind `hidden`, go on reading at its `through_seq` + 1.'),
});

export type EntryJson = z.input<typeof entryShape>;

export function entryJson(entry: Entry): EntryJson {
  return {
    conv_id: entry.convId,
    seq: Number(entry.seq),
    msg_id: entry.msgId.toString(),
    user_id: entry.sender,
    timestamp: Number(entry.createdAtMs) / 1000,
    revision: entry.revision,
    client_id: entry.clientId,
    ...contentJson(entry.content),
  };
}

function contentJson(content: Entry['content']): Pick<EntryJson, 'type'> & Partial<EntryJson> {
  switch (content.case) {
    case 'message': {
      const { contentType, content: body, replyToSeq, attributes } = content.value;
      const bytes = body.case === 'data' ? Buffer.from(body.value) : undefined;
      return {
        type: 'message',
        content: bytes?.toString('base64') ?? (body.case === 'text' ? body.value : ''),
        content_type: contentType === '' ? (bytes ? 'application/octet-stream' : 'text/plain') : contentType,
        encoding: bytes === undefined ? undefined : 'base64',
        reply_to_seq: replyToSeq === 0n ? undefined : Number(replyToSeq),
        attributes: Object.keys(attributes).length === 0 ? undefined : attributes,
      };
    }
    case 'recalled':
      return detail('recalled', { by: content.value.by, recall_seq: Number(content.value.recallSeq) });
    case 'recall':
      return detail('recall', { target_seq: Number(content.value.targetSeq) });
    case 'groupCreated':
      return detail('group_created', { name: content.value.name, members: content.value.members });
    case 'groupRenamed':
      return detail('group_renamed', { name: content.value.name });
    case 'membersAdded':
      return detail('members_added', { users: content.value.users });
    case 'memberRemoved':
      return detail('member_removed', { user: content.value.user, left: content.value.left });
    case 'roleChanged':
      return detail('role_changed', {
        user: content.value.user,
        role: roleName(content.value.role),
      });
    case 'hidden':
      return detail('hidden', { through_seq: Number(content.value.throughSeq) });
    default:
      return { type: 'unknown' };
  }
}

function detail(type: EntryJson['type'], fields: Record<string, unknown>) {
  return { type, detail: fields };
}
