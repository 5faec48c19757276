import type { ConvNo } from '../../core/ids.ts';
import type {
  ClientKey,
  ConversationSnapshot,
  CursorRow,
  Duplicate,
  GroupRow,
  Head,
  Membership,
  StoredEntry,
} from '../../ports/message-store.ts';
import { ByteReader, ByteWriter } from '../../core/bytes.ts';
import { readDuplicates, writeDuplicates } from '../../ports/commit-codec.ts';
import {
  list,
  readClientKey,
  readGroup,
  readMember,
  writeClientKey,
  writeGroup,
  writeMember,
} from '../../ports/row-codec.ts';
import {
  conversationKindAt,
  conversationKindCode,
  entryKindAt,
  entryKindCode,
} from '../../ports/stored-words.ts';
import { readCursor, writeCursor } from './rows.ts';

/** What the store's thread answers to reads, and what it is asked with beyond a few numbers. */

const recalledFlag = 1;

export function writeStoredEntry(out: ByteWriter, entry: StoredEntry): void {
  out.u53(entry.seq);
  out.u64(entry.msgId);
  out.u8(entryKindCode(entry.kind));
  out.u8(entry.recalled ? recalledFlag : 0);
  out.u53(entry.ord);
  out.text(entry.sender);
  out.u53(entry.createdAtMs);
  out.u32(entry.revision);
  out.byteString(entry.content);
}

export function encodeEntries(entries: readonly StoredEntry[]): ByteWriter {
  let size = 8;
  for (const entry of entries) size += 128 + entry.content.length;
  const out = ByteWriter.message(size);
  out.u32(entries.length);
  for (const entry of entries) writeStoredEntry(out, entry);
  return out;
}

export function decodeEntries(bytes: Uint8Array): StoredEntry[] {
  return list(new ByteReader(bytes), (reader) => {
    const seq = reader.u53();
    const msgId = reader.u64();
    const kind = entryKindAt(reader.u8());
    const recalled = (reader.u8() & recalledFlag) !== 0;
    return {
      seq,
      msgId,
      kind,
      ord: reader.u53(),
      sender: reader.text(),
      createdAtMs: reader.u53(),
      recalled,
      revision: reader.u32(),
      content: reader.byteString(),
    };
  });
}

export function encodeSnapshots(snapshots: readonly (ConversationSnapshot | undefined)[]): ByteWriter {
  const out = ByteWriter.message(8 + 256 * snapshots.length);
  out.u32(snapshots.length);
  for (const snapshot of snapshots) {
    out.u8(snapshot === undefined ? 0 : 1);
    if (snapshot === undefined) continue;
    out.u64(snapshot.convNo);
    out.text(snapshot.convId);
    out.u8(conversationKindCode(snapshot.kind));
    writeHead(out, snapshot.head);
    out.u53(snapshot.projectedSeq);
    writeOptional(out, snapshot.group, writeGroup);
    out.u32(snapshot.members.length);
    for (const member of snapshot.members) writeMember(out, member);
  }
  return out;
}

export function decodeSnapshots(bytes: Uint8Array): (ConversationSnapshot | undefined)[] {
  return list(new ByteReader(bytes), (reader) =>
    reader.u8() === 0
      ? undefined
      : {
          convNo: reader.u64(),
          convId: reader.conv(),
          kind: conversationKindAt(reader.u8()),
          head: readHead(reader),
          projectedSeq: reader.u53(),
          group: readOptional(reader, readGroup),
          members: list(reader, readMember),
        },
  );
}

export function encodeMemberships(memberships: readonly Membership[]): ByteWriter {
  const out = ByteWriter.message(8 + 256 * memberships.length);
  out.u32(memberships.length);
  for (const membership of memberships) {
    out.u64(membership.convNo);
    out.text(membership.convId);
    out.u8(conversationKindCode(membership.kind));
    writeMember(out, membership.member);
    writeHead(out, membership.head);
    out.text(membership.peer ?? '');
    writeOptional(out, membership.cursor, writeCursor);
    writeOptional(out, membership.peerCursor, writeCursor);
    writeOptional(out, membership.group, writeGroup);
  }
  return out;
}

export function decodeMemberships(bytes: Uint8Array): Membership[] {
  return list(new ByteReader(bytes), (reader) => {
    const convNo = reader.u64();
    const convId = reader.conv();
    const kind = conversationKindAt(reader.u8());
    const member = readMember(reader);
    const head = readHead(reader);
    const peer = reader.user();
    return {
      convNo,
      convId,
      kind,
      member,
      head,
      peer: peer === '' ? undefined : peer,
      cursor: readOptional(reader, readCursor),
      peerCursor: readOptional(reader, readCursor),
      group: readOptional<GroupRow>(reader, readGroup),
    };
  });
}

export function encodeCursors(rows: readonly CursorRow[]): ByteWriter {
  const out = ByteWriter.message(8 + 96 * rows.length);
  out.u32(rows.length);
  for (const row of rows) writeCursor(out, row);
  return out;
}

export function decodeCursors(bytes: Uint8Array): CursorRow[] {
  return list(new ByteReader(bytes), readCursor);
}

export function encodeClientKeys(convNo: ConvNo, keys: readonly ClientKey[]): ByteWriter {
  const out = ByteWriter.message(16 + 16 * keys.length);
  out.u64(convNo);
  out.u32(keys.length);
  for (const key of keys) writeClientKey(out, key);
  return out;
}

export function decodeClientKeys(bytes: Uint8Array): { convNo: ConvNo; keys: ClientKey[] } {
  const reader = new ByteReader(bytes);
  return { convNo: reader.u64(), keys: list(reader, readClientKey) };
}

export function encodeDuplicates(duplicates: readonly Duplicate[]): ByteWriter {
  const out = ByteWriter.message(8 + 48 * duplicates.length);
  writeDuplicates(out, duplicates);
  return out;
}

export function decodeDuplicates(bytes: Uint8Array): Duplicate[] {
  return readDuplicates(new ByteReader(bytes));
}

function writeHead(out: ByteWriter, head: Head): void {
  out.u53(head.seq);
  out.u53(head.ord);
  out.u64(head.msgId);
}

function readHead(reader: ByteReader): Head {
  return { seq: reader.u53(), ord: reader.u53(), msgId: reader.u64() };
}

function writeOptional<T>(
  out: ByteWriter,
  value: T | undefined,
  write: (out: ByteWriter, value: T) => void,
): void {
  out.u8(value === undefined ? 0 : 1);
  if (value !== undefined) write(out, value);
}

function readOptional<T>(reader: ByteReader, read: (reader: ByteReader) => T): T | undefined {
  return reader.u8() === 0 ? undefined : read(reader);
}
