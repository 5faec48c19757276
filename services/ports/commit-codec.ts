import type {
  CommitBatch,
  CommitOutcome,
  ConversationCommit,
  Duplicate,
  NewEntry,
  Projection,
} from './message-store.ts';
import { ByteReader, ByteWriter } from '../core/bytes.ts';
import { conversationKindAt, conversationKindCode, entryKindAt, entryKindCode } from './stored-words.ts';
import {
  list,
  readClientKey,
  readGroup,
  readMember,
  writeClientKey,
  writeGroup,
  writeMember,
} from './row-codec.ts';

/** A batch on its way to a thread of a store, and the outcomes on their way back: one buffer each, moved, not cloned. */

// What an entry takes besides its content, about; batches that need more make the buffer grow.
const entryBytes = 128;

export function encodeCommit(batch: CommitBatch): ByteWriter {
  let size = 64 + batch.epoch.length;
  for (const { entries } of batch.conversations)
    for (const entry of entries) size += entryBytes + entry.content.length;
  const out = ByteWriter.message(size + 128 * batch.conversations.length);
  out.text(batch.epoch);
  out.u64(batch.batchId);
  out.u32(batch.conversations.length);
  for (const conversation of batch.conversations) writeConversation(out, conversation);
  return out;
}

export function decodeCommit(bytes: Uint8Array): CommitBatch {
  const reader = new ByteReader(bytes);
  return {
    epoch: reader.text(),
    batchId: reader.u64(),
    conversations: list(reader, readConversation),
  };
}

function writeConversation(out: ByteWriter, conversation: ConversationCommit): void {
  out.u64(conversation.convNo);
  out.text(conversation.convId);
  out.u8(conversation.create === undefined ? 0 : 1 + conversationKindCode(conversation.create));
  out.u32(conversation.entries.length);
  for (const entry of conversation.entries) writeEntry(out, entry);
  out.u32(conversation.projections.length);
  for (const projection of conversation.projections) writeProjection(out, projection);
  out.u32(conversation.members.length);
  for (const member of conversation.members) writeMember(out, member);
  out.u8(conversation.group === undefined ? 0 : 1);
  if (conversation.group !== undefined) writeGroup(out, conversation.group);
}

function readConversation(reader: ByteReader): ConversationCommit {
  const convNo = reader.u64();
  const convId = reader.conv();
  const create = reader.u8();
  return {
    convNo,
    convId,
    create: create === 0 ? undefined : conversationKindAt(create - 1),
    entries: list(reader, readEntry),
    projections: list(reader, readProjection),
    members: list(reader, readMember),
    group: reader.u8() === 0 ? undefined : readGroup(reader),
  };
}

function writeEntry(out: ByteWriter, entry: NewEntry): void {
  out.u53(entry.seq);
  out.u64(entry.msgId);
  out.u8(entryKindCode(entry.kind));
  out.u53(entry.ord);
  out.text(entry.sender);
  out.u53(entry.createdAtMs);
  out.u8(entry.clientKey === undefined ? 0 : 1);
  if (entry.clientKey !== undefined) writeClientKey(out, entry.clientKey);
  out.byteString(entry.content);
}

function readEntry(reader: ByteReader): NewEntry {
  return {
    seq: reader.u53(),
    msgId: reader.u64(),
    kind: entryKindAt(reader.u8()),
    ord: reader.u53(),
    sender: reader.text(),
    createdAtMs: reader.u53(),
    clientKey: reader.u8() === 0 ? undefined : readClientKey(reader),
    content: reader.byteString(),
  };
}

function writeProjection(out: ByteWriter, projection: Projection): void {
  out.u53(projection.seq);
  out.u64(projection.msgId);
  out.u32(projection.revision);
  out.u8(projection.recalled ? 1 : 0);
  out.byteString(projection.content);
}

function readProjection(reader: ByteReader): Projection {
  return {
    seq: reader.u53(),
    msgId: reader.u64(),
    revision: reader.u32(),
    recalled: reader.u8() === 1,
    content: reader.byteString(),
  };
}

const outcomes = ['committed', 'fenced', 'duplicate'] as const;

export function encodeOutcomes(all: readonly CommitOutcome[]): ByteWriter {
  const out = ByteWriter.message(16 + all.length);
  out.u32(all.length);
  for (const outcome of all) {
    out.u8(outcomes.indexOf(outcome.t));
    if (outcome.t !== 'committed') writeDuplicates(out, outcome.duplicates);
  }
  return out;
}

const committed: CommitOutcome = { t: 'committed' };

export function decodeOutcomes(bytes: Uint8Array): CommitOutcome[] {
  return list(new ByteReader(bytes), (reader): CommitOutcome => {
    const t = outcomes[reader.u8()] ?? 'committed';
    return t === 'committed' ? committed : { t, duplicates: readDuplicates(reader) };
  });
}

export function writeDuplicates(out: ByteWriter, duplicates: readonly Duplicate[]): void {
  out.u32(duplicates.length);
  for (const duplicate of duplicates) {
    writeClientKey(out, duplicate.clientKey);
    out.u53(duplicate.seq);
    out.u64(duplicate.msgId);
    out.u8(entryKindCode(duplicate.kind));
    out.u53(duplicate.createdAtMs);
  }
}

export function readDuplicates(reader: ByteReader): Duplicate[] {
  return list(reader, () => ({
    clientKey: readClientKey(reader),
    seq: reader.u53(),
    msgId: reader.u64(),
    kind: entryKindAt(reader.u8()),
    createdAtMs: reader.u53(),
  }));
}
