import type { ByteReader, ByteWriter } from '../core/bytes.ts';
import type { ClientKey, GroupRow, MemberRow } from './message-store.ts';
import { roleAt, roleCode, visibilityAt, visibilityCode } from './stored-words.ts';

/** Rows in the binary format of core/bytes.ts, on their way between threads and on the embedded store's disk. */

export const clientKeyBytes = 16;

export function writeMember(out: ByteWriter, row: MemberRow): void {
  out.text(row.userId);
  out.u8(roleCode(row.role));
  out.u53(row.joinedSeq);
  out.u53(row.joinedOrd);
  out.u53(row.leftSeq);
  out.u53(row.leftOrd);
  out.u64(row.rev);
}

export function readMember(reader: ByteReader): MemberRow {
  return {
    userId: reader.user(),
    role: roleAt(reader.u8()),
    joinedSeq: reader.u53(),
    joinedOrd: reader.u53(),
    leftSeq: reader.u53(),
    leftOrd: reader.u53(),
    rev: reader.u64(),
  };
}

export function writeGroup(out: ByteWriter, row: GroupRow): void {
  out.text(row.name);
  out.text(row.owner);
  out.u32(row.maxMembers);
  out.u8(visibilityCode(row.history));
  out.u32(row.memberCount);
  out.u53(row.version);
}

export function readGroup(reader: ByteReader): GroupRow {
  return {
    name: reader.text(),
    owner: reader.text(),
    maxMembers: reader.u32(),
    history: visibilityAt(reader.u8()),
    memberCount: reader.u32(),
    version: reader.u53(),
  };
}

export function writeClientKey(out: ByteWriter, clientKey: ClientKey): void {
  if (clientKey.length !== clientKeyBytes)
    throw new RangeError(`a client key has ${clientKeyBytes} bytes, not ${clientKey.length}`);
  out.latin1(clientKey);
}

export function readClientKey(reader: ByteReader): ClientKey {
  return reader.latin1(clientKeyBytes) as ClientKey;
}

/** Items with their number in front. */
export function list<T>(reader: ByteReader, read: (reader: ByteReader) => T): T[] {
  const length = reader.u32();
  const items: T[] = [];
  for (let at = 0; at < length; at++) items.push(read(reader));
  return items;
}
