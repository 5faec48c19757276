import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type Entry, EntrySchema } from '../gen/parley/chat/v1/entry_pb.ts';
import type { LogContent, LogItem } from './types.ts';

/** An item as the log holds it: what applications see, and `ord`, from which unread counts are derived. */
export interface HeldItem extends LogItem {
  /** How many entries up to and including this one are messages. */
  readonly ord: number;
}

/** The last seq that an item stands for: a hidden range is one item. */
export function lastSeqOf(item: LogItem): number {
  return item.content.t === 'hidden' ? item.content.throughSeq : item.seq;
}

export function isMessage(item: LogItem): boolean {
  return item.content.t === 'message' || item.content.t === 'recalled';
}

/** An entry of the wire as an item. Keeps nothing of the frame's buffer. */
export function itemOf(entry: Entry): HeldItem {
  const seq = Number(entry.seq);
  return {
    seq,
    msgId: entry.msgId.toString(),
    sender: entry.sender,
    createdAtMs: Number(entry.createdAtMs),
    revision: entry.revision,
    clientId: entry.clientId,
    content: contentOf(entry, seq),
    status: undefined,
    ord: Number(entry.ord),
  };
}

function contentOf(entry: Entry, seq: number): LogContent {
  const { content } = entry;
  switch (content.case) {
    case 'message': {
      const body = content.value;
      // The decoder hands out views of the whole frame.
      if (body.content.case === 'data') body.content.value = body.content.value.slice();
      return { t: 'message', body };
    }
    case 'recalled':
      return { t: 'recalled', by: content.value.by };
    case 'recall':
      return { t: 'recall', targetSeq: Number(content.value.targetSeq) };
    case 'groupCreated':
      return { t: 'groupCreated', name: content.value.name, members: content.value.members };
    case 'groupRenamed':
      return { t: 'groupRenamed', name: content.value.name };
    case 'membersAdded':
      return { t: 'membersAdded', users: content.value.users };
    case 'memberRemoved':
      return { t: 'memberRemoved', user: content.value.user, left: content.value.left };
    case 'roleChanged':
      return { t: 'roleChanged', user: content.value.user, role: content.value.role };
    case 'hidden':
      return { t: 'hidden', throughSeq: Math.max(seq, Number(content.value.throughSeq)) };
    case undefined:
      // Something that this version doesn't know: it takes its place and shows nothing.
      return { t: 'hidden', throughSeq: seq };
  }
}

type EntryInit = Exclude<MessageInitShape<typeof EntrySchema>, Entry>;

/** The way back, for storing. */
export function entryOf(convId: string, item: HeldItem): Entry {
  return create(EntrySchema, {
    convId,
    seq: BigInt(item.seq),
    msgId: BigInt(item.msgId),
    sender: item.sender,
    createdAtMs: BigInt(item.createdAtMs),
    ord: BigInt(item.ord),
    revision: item.revision,
    clientId: item.clientId,
    content: wireContentOf(item.content),
  });
}

function wireContentOf(content: LogContent): EntryInit['content'] {
  switch (content.t) {
    case 'message':
      return { case: 'message', value: content.body };
    case 'recalled':
      return { case: 'recalled', value: { by: content.by } };
    case 'recall':
      return { case: 'recall', value: { targetSeq: BigInt(content.targetSeq) } };
    case 'groupCreated':
      return { case: 'groupCreated', value: { name: content.name, members: [...content.members] } };
    case 'groupRenamed':
      return { case: 'groupRenamed', value: { name: content.name } };
    case 'membersAdded':
      return { case: 'membersAdded', value: { users: [...content.users] } };
    case 'memberRemoved':
      return { case: 'memberRemoved', value: { user: content.user, left: content.left } };
    case 'roleChanged':
      return { case: 'roleChanged', value: { user: content.user, role: content.role } };
    case 'hidden':
      return { case: 'hidden', value: { throughSeq: BigInt(content.throughSeq) } };
  }
}
