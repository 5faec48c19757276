import { createHash } from 'node:crypto';
import { fromBinary } from '@bufbuild/protobuf';
import { EntrySchema } from '../../gen/parley/chat/v1/entry_pb.ts';
import { bytesOf } from '../core/byte-string.ts';
import type { ConvId, Seq, UserId } from '../core/ids.ts';
import type { StoredEntry } from '../ports/message-store.ts';
import type { PushNotice } from './provider.ts';

export interface NoticeFacts {
  readonly userId: UserId;
  readonly deviceId: string;
  readonly convId: ConvId;
  readonly direct: boolean;
  readonly seq: Seq;
  readonly badge: number;
  readonly ttlSeconds: number;
  /** Absent where content is hidden. */
  readonly text: NoticeText | undefined;
}

export interface NoticeText {
  readonly title: string;
  readonly body: string;
}

/** What of a text is shown, in characters; providers cut it further where they have no room. */
const longestText = 200;

export function noticeOf(facts: NoticeFacts): PushNotice {
  const { convId, direct, seq, badge, ttlSeconds, text } = facts;
  return {
    id: noticeId(facts),
    collapseKey: digestOf(convId),
    ...text,
    badge,
    data: { kind: 'message', conv_id: convId, seq: String(seq), conversation: direct ? 'direct' : 'group' },
    ttlSeconds,
    urgency: 'high',
  };
}

/** The same for the same device and message, whoever pushes it and how often. */
export function noticeId({
  userId,
  deviceId,
  convId,
  seq,
}: Pick<NoticeFacts, 'userId' | 'deviceId' | 'convId' | 'seq'>): string {
  return `ntf_${digestOf(JSON.stringify([userId, deviceId, convId, seq]))}`;
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 32);
}

/** Sender and the start of the text; of a group, its name above. Opened from the sealed row: never to be logged. */
export function noticeText(
  entry: Pick<StoredEntry, 'sender' | 'content'>,
  groupName: string | undefined,
): NoticeText {
  const { content } = fromBinary(EntrySchema, bytesOf(entry.content));
  const body = content.case === 'message' ? content.value.content : undefined;
  const said = body?.case === 'text' ? shortened(body.value) : 'New message';
  return groupName === undefined
    ? { title: entry.sender, body: said }
    : { title: groupName, body: `${entry.sender}: ${said}` };
}

function shortened(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  const characters = [...line];
  return characters.length <= longestText ? line : `${characters.slice(0, longestText - 1).join('')}…`;
}
