import type { ConvId, ConvNo, MsgId, Seq, UserId } from '../../core/ids.ts';
import type {
  ClientKey,
  ConversationKind,
  CursorRow,
  EntryKind,
  GroupRow,
  MemberRow,
} from '../../ports/message-store.ts';
import type { OutboxSpan } from '../../ports/outbox.ts';
import { readSpans, writeSpans } from '../../ports/outbox-codec.ts';
import { clientKeyBytes, readGroup, readMember, writeGroup, writeMember } from '../../ports/row-codec.ts';
import {
  conversationKindAt,
  conversationKindCode,
  entryKindAt,
  entryKindCode,
} from '../../ports/stored-words.ts';
import { ByteReader, ByteWriter, getU53, getU64, putU53, putU64 } from '../../core/bytes.ts';

/**
 * The values of the tables in keys.ts. A change of any of them is a migration (schema.ts). What is encoded holds until
 * the next row is: hand it to LevelDB at once.
 */

/** An entry as it stands on disk; its key says conversation and seq. */
export interface EntryRow {
  readonly msgId: MsgId;
  readonly kind: EntryKind;
  readonly ord: number;
  readonly sender: string;
  readonly createdAtMs: number;
  readonly recalled: boolean;
  readonly revision: number;
  readonly clientKey: ClientKey | undefined;
  readonly keyId: number;
  readonly sealed: Uint8Array;
}

const recalledFlag = 1;
const clientKeyFlag = 2;

export function encodeEntryRow(row: EntryRow): Buffer {
  const out = ByteWriter.row();
  out.u8(entryKindCode(row.kind));
  out.u8((row.recalled ? recalledFlag : 0) | (row.clientKey === undefined ? 0 : clientKeyFlag));
  out.u64(row.msgId);
  out.u53(row.ord);
  out.u53(row.createdAtMs);
  out.u32(row.revision);
  out.u32(row.keyId);
  if (row.clientKey !== undefined) out.latin1(row.clientKey);
  out.text(row.sender);
  out.raw(row.sealed);
  return out.view();
}

export function decodeEntryRow(value: Uint8Array): EntryRow {
  const reader = new ByteReader(value);
  const kind = entryKindAt(reader.u8());
  const flags = reader.u8();
  const msgId = reader.u64();
  const ord = reader.u53();
  const createdAtMs = reader.u53();
  const revision = reader.u32();
  const keyId = reader.u32();
  const clientKey = (flags & clientKeyFlag) === 0 ? undefined : (reader.latin1(clientKeyBytes) as ClientKey);
  const sender = reader.text();
  const sealed = reader.rest();
  const recalled = (flags & recalledFlag) !== 0;
  return { msgId, kind, ord, sender, createdAtMs, recalled, revision, clientKey, keyId, sealed };
}

/** The msg id of an encoded entry row, without reading the rest. */
export function msgIdOfEntryRow(value: Buffer): MsgId {
  return getU64(value, 2);
}

/** Where a log ends, and which entry last changed an earlier one. */
export interface HeadRow {
  readonly seq: Seq;
  readonly ord: number;
  readonly msgId: MsgId;
  readonly projectedSeq: Seq;
}

export function encodeHeadRow(row: HeadRow): Buffer {
  const value = Buffer.allocUnsafe(32);
  putU53(value, 0, row.seq);
  putU53(value, 8, row.ord);
  putU64(value, 16, row.msgId);
  putU53(value, 24, row.projectedSeq);
  return value;
}

export function decodeHeadRow(value: Uint8Array): HeadRow {
  const reader = new ByteReader(value);
  return { seq: reader.u53(), ord: reader.u53(), msgId: reader.u64(), projectedSeq: reader.u53() };
}

export interface ConversationRow {
  readonly convId: ConvId;
  readonly kind: ConversationKind;
  /** The users of a direct conversation (one, where somebody talks to himself). */
  readonly users: readonly UserId[];
}

export function encodeConversationRow(row: ConversationRow): Buffer {
  const out = ByteWriter.row();
  out.u8(conversationKindCode(row.kind));
  out.text(row.convId);
  out.u8(row.users.length);
  for (const user of row.users) out.text(user);
  return out.view();
}

export function decodeConversationRow(value: Uint8Array): ConversationRow {
  const reader = new ByteReader(value);
  const kind = conversationKindAt(reader.u8());
  const convId = reader.conv();
  return { kind, convId, users: Array.from({ length: reader.u8() }, () => reader.user()) };
}

export function encodeConvNo(convNo: ConvNo): Buffer {
  const value = Buffer.allocUnsafe(8);
  putU64(value, 0, convNo);
  return value;
}

export function decodeConvNo(value: Buffer): ConvNo {
  return getU64(value, 0);
}

export function encodeSeq(seq: Seq): Buffer {
  const value = Buffer.allocUnsafe(8);
  putU53(value, 0, seq);
  return value;
}

export function decodeSeq(value: Buffer): Seq {
  return getU53(value, 0);
}

export interface PlaceRow {
  readonly convNo: ConvNo;
  readonly seq: Seq;
}

export function encodePlaceRow(row: PlaceRow): Buffer {
  const value = Buffer.allocUnsafe(16);
  putU64(value, 0, row.convNo);
  putU53(value, 8, row.seq);
  return value;
}

export function decodePlaceRow(value: Buffer): PlaceRow {
  return { convNo: getU64(value, 0), seq: getU53(value, 8) };
}

export function encodeMemberRow(row: MemberRow): Buffer {
  const out = ByteWriter.row();
  writeMember(out, row);
  return out.view();
}

export function decodeMemberRow(value: Uint8Array): MemberRow {
  return readMember(new ByteReader(value));
}

/** A member row with what a list needs to know of its conversation. */
export interface MembershipRow {
  readonly convNo: ConvNo;
  readonly kind: ConversationKind;
  readonly peer: UserId | undefined;
  readonly member: MemberRow;
}

export function encodeMembershipRow(row: MembershipRow): Buffer {
  const out = ByteWriter.row();
  out.u64(row.convNo);
  out.u8(conversationKindCode(row.kind));
  out.text(row.peer ?? '');
  writeMember(out, row.member);
  return out.view();
}

export function decodeMembershipRow(value: Uint8Array): MembershipRow {
  const reader = new ByteReader(value);
  const convNo = reader.u64();
  const kind = conversationKindAt(reader.u8());
  const peer = reader.user();
  return { convNo, kind, peer: peer === '' ? undefined : peer, member: readMember(reader) };
}

export function encodeGroupRow(row: GroupRow): Buffer {
  const out = ByteWriter.row();
  writeGroup(out, row);
  return out.view();
}

export function decodeGroupRow(value: Uint8Array): GroupRow {
  return readGroup(new ByteReader(value));
}

export function writeCursor(out: ByteWriter, row: CursorRow): void {
  out.u64(row.convNo);
  out.text(row.userId);
  out.u53(row.deliveredSeq);
  out.u53(row.readSeq);
  out.u53(row.readOrd);
}

export function readCursor(reader: ByteReader): CursorRow {
  return {
    convNo: reader.u64(),
    userId: reader.user(),
    deliveredSeq: reader.u53(),
    readSeq: reader.u53(),
    readOrd: reader.u53(),
  };
}

export function encodeCursorRow(row: CursorRow): Buffer {
  const out = ByteWriter.row();
  writeCursor(out, row);
  return out.view();
}

export function decodeCursorRow(value: Uint8Array): CursorRow {
  return readCursor(new ByteReader(value));
}

export interface OutboxValue {
  readonly createdAtMs: number;
  readonly spans: readonly OutboxSpan[];
}

export function encodeOutboxRow({ createdAtMs, spans }: OutboxValue): Buffer {
  const out = ByteWriter.row();
  out.u53(createdAtMs);
  writeSpans(out, spans);
  return out.view();
}

export function decodeOutboxRow(value: Uint8Array): OutboxValue {
  const reader = new ByteReader(value);
  return { createdAtMs: reader.u53(), spans: readSpans(reader) };
}

export interface LeaseRow {
  readonly holder: string;
  readonly reservedUntilMs: number;
}

export function encodeLeaseRow(row: LeaseRow): Buffer {
  const out = ByteWriter.row();
  out.text(row.holder);
  out.u53(row.reservedUntilMs);
  return out.view();
}

export function decodeLeaseRow(value: Uint8Array): LeaseRow {
  const reader = new ByteReader(value);
  return { holder: reader.text(), reservedUntilMs: reader.u53() };
}
