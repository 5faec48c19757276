import type { FieldWriter } from '../codec/field-writer.ts';
import type { Reader } from '../codec/reader.ts';
import type { ByteString } from '../core/byte-string.ts';
import type { ConvId, UserId } from '../core/ids.ts';
import type { EntryFrame, OwnerFrame } from './edge-frames.ts';

/**
 * The frames of message nodes that come with every message: answers to sends, entries, and cursors that moved. They are
 * written as protobuf-es writes them, and read where they are in that form.
 */

type Reply = Extract<OwnerFrame, { t: 'reply' }>;
type CursorFrame = Extract<OwnerFrame, { t: 'cursor' }>;

const replyTag = 0x12;
const sentTag = 0x12;
const audienceEntryTag = 0x2a;
const entryTag = 0x1a;
const contentTag = 0x42;
const cursorTag = 0x42;
const hearerTag = 0x2a;
const noContent = '' as ByteString;

/** Writes what an OwnerFrame holds; false, and nothing is written, where the frame is none of these. */
export function putHotOwnerFrame(to: FieldWriter, frame: { readonly t: string } | OwnerFrame): boolean {
  const known = frame as OwnerFrame;
  if (known.t === 'entry') return putEntry(to, known);
  if (known.t === 'reply') return putReply(to, known);
  if (known.t !== 'cursor') return false;
  const start = to.open(cursorTag, 1);
  to.text(0x0a, known.convId);
  to.text(0x12, known.userId);
  to.integer(0x18, known.deliveredSeq);
  to.integer(0x20, known.readSeq);
  for (const userId of known.to) to.item(hearerTag, userId);
  to.close(start, 1);
  return true;
}

function putReply(to: FieldWriter, { call, result }: Reply): boolean {
  if (result.t !== 'sent') return false;
  const start = to.open(replyTag, 1);
  to.integer(0x08, call);
  const sent = to.open(sentTag, 1);
  to.text(0x0a, result.convId);
  to.integer(0x10, result.seq);
  to.bigint(0x18, result.msgId);
  to.integer(0x20, result.createdAtMs);
  to.flag(0x28, result.duplicate);
  to.close(sent, 1);
  to.close(start, 1);
  return true;
}

function putEntry(to: FieldWriter, { audience, incarnation, entry }: EntryFrame): boolean {
  if (entry.trace !== undefined) return false;
  const start = to.open(audienceEntryTag, 2);
  to.integer(0x08, audience);
  to.integer(0x10, incarnation);
  const inner = to.open(entryTag, 2);
  to.text(0x0a, entry.convId);
  to.integer(0x10, entry.seq);
  to.bigint(0x18, entry.msgId);
  to.text(0x22, entry.sender);
  to.integer(0x28, entry.createdAtMs);
  to.integer(0x30, entry.ord);
  to.uint32(0x38, entry.revision);
  to.byteString(contentTag, entry.content);
  to.close(inner, 2);
  to.close(start, 2);
  return true;
}

/** Reads an OwnerFrame up to `end`; undefined, or a throw, where it is none of these or not written as encoders write it. */
export function readHotOwnerFrame(from: Reader, end: number): Reply | EntryFrame | CursorFrame | undefined {
  const tag = from.buf[from.pos];
  if (tag !== replyTag && tag !== audienceEntryTag && tag !== cursorTag) return undefined;
  from.pos += 1;
  if (from.end(end) !== end) return undefined;
  if (tag === audienceEntryTag) return readEntry(from, end);
  return tag === replyTag ? readReply(from, end) : readCursor(from, end);
}

function readReply(from: Reader, end: number): Reply | undefined {
  const call = from.integerField(0x08, end);
  if (from.pos >= end || from.buf[from.pos] !== sentTag) return undefined;
  from.pos += 1;
  if (from.end(end) !== end) return undefined;
  const convId = from.textField(0x0a, end) as ConvId;
  const seq = from.integerField(0x10, end);
  const msgId = from.bigintField(0x18, end);
  const createdAtMs = from.integerField(0x20, end);
  const duplicate = from.flagField(0x28, end);
  if (from.pos !== end) return undefined;
  return { t: 'reply', call, result: { t: 'sent', convId, seq, msgId, createdAtMs, duplicate } };
}

function readEntry(from: Reader, end: number): EntryFrame | undefined {
  const audience = from.integerField(0x08, end);
  const incarnation = from.integerField(0x10, end);
  if (from.pos >= end || from.buf[from.pos] !== entryTag) return undefined;
  from.pos += 1;
  if (from.end(end) !== end) return undefined;
  const convId = from.textField(0x0a, end) as ConvId;
  const seq = from.integerField(0x10, end);
  const msgId = from.bigintField(0x18, end);
  const sender = from.textField(0x22, end);
  const createdAtMs = from.integerField(0x28, end);
  const ord = from.integerField(0x30, end);
  const revision = from.uint32Field(0x38, end);
  let content = noContent;
  if (from.pos < end && from.buf[from.pos] === contentTag) {
    from.pos += 1;
    const contentEnd = from.end(end);
    content = from.buf.toString('latin1', from.pos, contentEnd) as ByteString;
    from.pos = contentEnd;
  }
  if (from.pos !== end) return undefined;
  const entry = { convId, seq, msgId, sender, createdAtMs, ord, revision, content };
  return { t: 'entry', audience, incarnation, entry };
}

function readCursor(from: Reader, end: number): CursorFrame | undefined {
  const convId = from.textField(0x0a, end) as ConvId;
  const userId = from.textField(0x12, end) as UserId;
  const deliveredSeq = from.integerField(0x18, end);
  const readSeq = from.integerField(0x20, end);
  const to: UserId[] = [];
  while (from.pos < end) {
    if (from.buf[from.pos] !== hearerTag) return undefined;
    to.push(from.textField(hearerTag, end) as UserId);
  }
  return { t: 'cursor', convId, userId, deliveredSeq, readSeq, to };
}
