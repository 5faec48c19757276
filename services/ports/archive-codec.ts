import { ByteReader, ByteWriter } from '../core/bytes.ts';
import type { UserId } from '../core/ids.ts';
import { platformAt, platformCode, targetHashBytes, targetKindAt, targetKindCode } from './device-codec.ts';
import { maxSilences } from './devices.ts';
import { type ArchiveRow, type ArchiveTable, archiveTables, type UserRow } from './store-archive.ts';
import {
  readClientKey,
  readGroup,
  readMember,
  writeClientKey,
  writeGroup,
  writeMember,
} from './row-codec.ts';
import { conversationKindAt, conversationKindCode, entryKindAt, entryKindCode } from './stored-words.ts';

/**
 * Rows as an archive has them, and as digests are made of them: a change here is another version of the format
 * (archive/format.ts). The table's number and the length of a row stand in front of it.
 */

const recalledFlag = 1;
const clientKeyFlag = 2;

export function tableCode(table: ArchiveTable): number {
  return archiveTables.indexOf(table);
}

/** Throws RangeError for a code of none. */
export function tableAt(code: number): ArchiveTable {
  const table = archiveTables[code];
  if (table === undefined) throw new RangeError(`there is no table ${code}`);
  return table;
}

/** The encoding of a row, in a buffer that holds until the next one is encoded. */
export function encodeArchiveRow(row: ArchiveRow): Buffer {
  const out = ByteWriter.row();
  if (row.t === 'user') {
    writeUser(out, row);
    return out.view();
  }
  out.u64(row.convNo);
  switch (row.t) {
    case 'conversation':
      out.text(row.convId);
      out.u8(conversationKindCode(row.kind));
      out.u8(row.users.length);
      for (const user of row.users) out.text(user);
      out.u53(row.projectedSeq);
      break;
    case 'group':
      writeGroup(out, row.group);
      break;
    case 'member':
      writeMember(out, row.member);
      break;
    case 'cursor':
      out.text(row.userId);
      out.u53(row.deliveredSeq);
      out.u53(row.readSeq);
      out.u53(row.readOrd);
      break;
    case 'entry':
      out.u53(row.seq);
      out.u64(row.msgId);
      out.u8(entryKindCode(row.kind));
      out.u8((row.recalled ? recalledFlag : 0) | (row.clientKey === undefined ? 0 : clientKeyFlag));
      out.u53(row.ord);
      out.u53(row.createdAtMs);
      out.u32(row.revision);
      out.u32(row.keyId);
      if (row.clientKey !== undefined) writeClientKey(out, row.clientKey);
      out.text(row.sender);
      out.raw(row.sealed);
  }
  return out.view();
}

/** Throws RangeError for what is no row of the table. Sealed bytes are a view. */
export function decodeArchiveRow(table: ArchiveTable, bytes: Uint8Array): ArchiveRow {
  const reader = new ByteReader(bytes);
  if (table === 'user') return ended(reader, readUser(reader));
  const convNo = reader.u64();
  switch (table) {
    case 'conversation': {
      const convId = reader.conv();
      const kind = conversationKindAt(reader.u8());
      const users: UserId[] = Array.from({ length: reader.u8() }, () => reader.user());
      return ended(reader, { t: 'conversation', convNo, convId, kind, users, projectedSeq: reader.u53() });
    }
    case 'group':
      return ended(reader, { t: 'group', convNo, group: readGroup(reader) });
    case 'member':
      return ended(reader, { t: 'member', convNo, member: readMember(reader) });
    case 'cursor':
      return ended(reader, {
        t: 'cursor',
        convNo,
        userId: reader.user(),
        deliveredSeq: reader.u53(),
        readSeq: reader.u53(),
        readOrd: reader.u53(),
      });
    case 'entry': {
      const seq = reader.u53();
      const msgId = reader.u64();
      const kind = entryKindAt(reader.u8());
      const flags = reader.u8();
      const ord = reader.u53();
      const createdAtMs = reader.u53();
      const revision = reader.u32();
      const keyId = reader.u32();
      const clientKey = (flags & clientKeyFlag) === 0 ? undefined : readClientKey(reader);
      const recalled = (flags & recalledFlag) !== 0;
      const sender = reader.text();
      const sealed = reader.rest();
      return {
        t: 'entry',
        convNo,
        seq,
        msgId,
        kind,
        ord,
        sender,
        createdAtMs,
        recalled,
        revision,
        clientKey,
        keyId,
        sealed,
      };
    }
  }
}

function writeUser(out: ByteWriter, { userId, settings, silences, devices }: UserRow): void {
  out.text(userId);
  out.u53(settings.silencedUntilMs);
  const { quietHours } = settings;
  out.u8(quietHours === undefined ? 0 : 1);
  if (quietHours !== undefined) {
    out.u32(quietHours.fromMinute);
    out.u32(quietHours.toMinute);
    out.text(quietHours.timeZone);
  }
  out.u32(silences.length);
  for (const { convId, untilMs } of silences) {
    out.text(convId);
    out.u53(untilMs);
  }
  out.u32(devices.length);
  for (const device of devices) {
    out.text(device.deviceId);
    out.u8(platformCode(device.platform));
    out.u8(targetKindCode(device.provider));
    out.text(device.name);
    out.u53(device.registeredAtMs);
    out.u53(device.lastSeenAtMs);
    out.raw(device.targetHash);
    out.u32(device.keyId);
    out.u32(device.sealed.byteLength);
    out.raw(device.sealed);
  }
}

function readUser(reader: ByteReader): UserRow {
  const userId = reader.user();
  const silencedUntilMs = reader.u53();
  const quietHours =
    reader.u8() === 0
      ? undefined
      : { fromMinute: reader.u32(), toMinute: reader.u32(), timeZone: reader.text() };
  const silences = Array.from({ length: atMost(reader.u32(), maxSilences) }, () => ({
    convId: reader.conv(),
    untilMs: reader.u53(),
  }));
  const devices = Array.from({ length: atMost(reader.u32(), maxArchivedDevices) }, () => ({
    deviceId: reader.text(),
    platform: platformAt(reader.u8()),
    provider: targetKindAt(reader.u8()),
    name: reader.text(),
    registeredAtMs: reader.u53(),
    lastSeenAtMs: reader.u53(),
    targetHash: reader.raw(targetHashBytes),
    keyId: reader.u32(),
    sealed: reader.raw(reader.u32()),
  }));
  return { t: 'user', userId, settings: { silencedUntilMs, quietHours }, silences, devices };
}

/** Two that register at once may both find room: a few more than are kept. */
const maxArchivedDevices = 1_000;

function atMost(count: number, most: number): number {
  if (count > most) throw new RangeError(`${count} of something of which there are ${most} at most`);
  return count;
}

function ended(reader: ByteReader, row: ArchiveRow): ArchiveRow {
  if (reader.rest().byteLength > 0) throw new RangeError('a row goes on behind its end');
  return row;
}
