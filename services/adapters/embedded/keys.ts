import type { ClientKey } from '../../ports/message-store.ts';
import type { ConvId, ConvNo, MsgId, Seq, UserId } from '../../core/ids.ts';
import { clientKeyBytes } from '../../ports/row-codec.ts';
import { getU53, getU64, putU53, putU64 } from '../../core/bytes.ts';

/**
 * Every key of the embedded store. One byte names the table; numbers are eight bytes, big-endian, so that LevelDB's
 * order is the order of numbers; an id in front of something else carries its length in one byte, and an id at the end
 * stands as it is, so that keys sort by the bytes of its UTF-8.
 *
 *   0x01 name                       meta: schema version, epoch, secrets, import
 *   0x02 key id                     proof that a master key is the one used before
 *   0x03 worker                     lease of a worker number of the id library
 *   0x10 conv id                    → conv no
 *   0x11 conv no                    conversation
 *   0x12 conv no                    head: changes with each commit
 *   0x13 conv no                    group
 *   0x20 conv no, user id           member
 *   0x21 user id, conv id           membership: the same row, for lists
 *   0x22 conv no, user id           cursor
 *   0x30 conv no, seq               entry
 *   0x31 conv no, client key        → seq
 *   0x32 msg id                     → conv no, seq: of entries whose ids came out of order
 *   0x33 msg id                     → msg id, conv no, seq of each entry of a commit whose first id that is
 *   0x40 incarnation, batch id      what a batch committed, until that is published
 *   0x60 shelf, record id           record of the audit log
 *   0x50 user id, device id         device
 *   0x51 hash of a push target      → user id, device id
 *   0x52 user id, device id, place  what a device was told of one conversation
 *   0x53 user id                    when a user wants no pushes
 *   0x54 user id, conv id           until when a conversation is silenced
 *
 * In 0x50 to 0x54 each id in front of something else is followed by a zero byte, which no id contains: so their keys sort
 * by the bytes of the user id.
 */
export const table = {
  meta: 0x01,
  keyProof: 0x02,
  lease: 0x03,
  convByName: 0x10,
  conversation: 0x11,
  head: 0x12,
  group: 0x13,
  member: 0x20,
  membership: 0x21,
  cursor: 0x22,
  entry: 0x30,
  clientKey: 0x31,
  msgId: 0x32,
  places: 0x33,
  outbox: 0x40,
  audit: 0x60,
  device: 0x50,
  target: 0x51,
  told: 0x52,
  pushSettings: 0x53,
  silence: 0x54,
} as const;

export type Table = (typeof table)[keyof typeof table];

export function metaKey(name: string): Buffer {
  return withText(table.meta, name);
}

export function keyProofKey(keyId: number): Buffer {
  return withU32(table.keyProof, keyId);
}

export function leaseKey(worker: number): Buffer {
  return withU32(table.lease, worker);
}

export function convByNameKey(convId: ConvId): Buffer {
  return withText(table.convByName, convId);
}

/** Key of a table with one row a conversation, or the prefix of one with several. */
export function convKey(of: Table, convNo: ConvNo): Buffer {
  const key = Buffer.allocUnsafe(9);
  key[0] = of;
  putU64(key, 1, convNo);
  return key;
}

/** Key in `member` or `cursor`. */
export function convUserKey(of: Table, convNo: ConvNo, userId: UserId): Buffer {
  const name = Buffer.from(userId);
  const key = Buffer.allocUnsafe(9 + name.byteLength);
  key[0] = of;
  putU64(key, 1, convNo);
  key.set(name, 9);
  return key;
}

/** Prefix of a user's memberships. */
export function membershipsPrefix(userId: UserId): Buffer {
  const name = Buffer.from(userId);
  if (name.byteLength > 0xff)
    throw new RangeError(`user id of ${name.byteLength} bytes is too long for a key`);
  return Buffer.concat([Buffer.of(table.membership, name.byteLength), name]);
}

/** Prefix of a user's rows in a table that is ordered by user, or the key of his only one. */
export function userPrefix(of: Table, userId: UserId): Buffer {
  return Buffer.concat([Buffer.of(of), Buffer.from(userId), zero]);
}

const zero = Buffer.of(0);

export function deviceKey(userId: UserId, deviceId: string): Buffer {
  return Buffer.concat([userPrefix(table.device, userId), Buffer.from(deviceId)]);
}

export function targetKey(hash: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(table.target), hash]);
}

/** Prefix of what a device was told. */
export function toldPrefix(userId: UserId, deviceId: string): Buffer {
  return Buffer.concat([userPrefix(table.told, userId), Buffer.from(deviceId), zero]);
}

/** `slot`: 0–127. */
export function toldKey(userId: UserId, deviceId: string, slot: number): Buffer {
  return Buffer.concat([toldPrefix(userId, deviceId), Buffer.of(slot)]);
}

export function silenceKey(userId: UserId, convId: ConvId): Buffer {
  return Buffer.concat([userPrefix(table.silence, userId), Buffer.from(convId)]);
}

export function membershipKey(userId: UserId, convId: ConvId): Buffer {
  return Buffer.concat([membershipsPrefix(userId), Buffer.from(convId)]);
}

export function entryKey(convNo: ConvNo, seq: Seq): Buffer {
  const key = Buffer.allocUnsafe(17);
  key[0] = table.entry;
  putU64(key, 1, convNo);
  putU53(key, 9, seq);
  return key;
}

export function clientKeyKey(convNo: ConvNo, clientKey: ClientKey): Buffer {
  const key = Buffer.allocUnsafe(9 + clientKeyBytes);
  key[0] = table.clientKey;
  putU64(key, 1, convNo);
  for (let i = 0; i < clientKeyBytes; i++) key[9 + i] = clientKey.charCodeAt(i);
  return key;
}

export function msgIdKey(msgId: MsgId): Buffer {
  const key = Buffer.allocUnsafe(9);
  key[0] = table.msgId;
  putU64(key, 1, msgId);
  return key;
}

/** Key in `places`: `first` is the lowest of the ids in the row. */
export function placesKey(first: MsgId): Buffer {
  const key = msgIdKey(first);
  key[0] = table.places;
  return key;
}

/** Prefix of the outbox rows of an incarnation. */
export function outboxPrefix(incarnation: string): Buffer {
  const name = Buffer.from(incarnation);
  if (name.byteLength === 0 || name.byteLength > 0xff)
    throw new RangeError(`an incarnation has a name of 1 to 255 bytes, not ${name.byteLength}`);
  return Buffer.concat([Buffer.of(table.outbox, name.byteLength), name]);
}

export function outboxKey(incarnation: string, batchId: bigint): Buffer {
  const id = Buffer.allocUnsafe(8);
  putU64(id, 0, batchId);
  return Buffer.concat([outboxPrefix(incarnation), id]);
}

/** Prefix of the records of a shelf of the audit log. */
export function auditPrefix(shelf: number): Buffer {
  return Buffer.of(table.audit, shelf);
}

/** `id`: 32 hexadecimal digits. */
export function auditKey(shelf: number, id: string): Buffer {
  return Buffer.concat([auditPrefix(shelf), Buffer.from(id, 'hex')]);
}

/** The first key after all that begin with the prefix. */
export function after(prefix: Uint8Array): Buffer {
  const key = Buffer.from(prefix);
  for (let at = key.byteLength - 1; at >= 0; at--) {
    const byte = key[at] as number;
    if (byte < 0xff) {
      key[at] = byte + 1;
      return key.subarray(0, at + 1);
    }
  }
  throw new RangeError('no key comes after this prefix');
}

/** All keys of a table. */
export function tableRange(of: Table): { gte: Buffer; lt: Buffer } {
  return prefixRange(Buffer.of(of));
}

export function prefixRange(prefix: Buffer): { gte: Buffer; lt: Buffer } {
  return { gte: prefix, lt: after(prefix) };
}

// Taking keys apart, for walks.

export function convNoOf(key: Buffer): ConvNo {
  return getU64(key, 1);
}

export function seqOf(key: Buffer): Seq {
  return getU53(key, 9);
}

export function msgIdOf(key: Buffer): MsgId {
  return getU64(key, 1);
}

/** The user in a key of `member` or `cursor`. */
export function userOf(key: Buffer): UserId {
  return key.toString('utf8', 9) as UserId;
}

export function membershipOf(key: Buffer): { userId: UserId; convId: ConvId } {
  const nameEnd = 2 + (key[1] as number);
  return {
    userId: key.toString('utf8', 2, nameEnd) as UserId,
    convId: key.toString('utf8', nameEnd) as ConvId,
  };
}

/** The user of a key that begins as `userPrefix` does, and what stands behind. */
export function userAndRest(key: Buffer): { userId: UserId; rest: string } {
  const end = key.indexOf(0, 1);
  return { userId: key.toString('utf8', 1, end) as UserId, rest: key.toString('utf8', end + 1) };
}

export function incarnationOf(key: Buffer): string {
  return key.toString('utf8', 2, 2 + (key[1] as number));
}

export function auditIdOf(key: Buffer): string {
  return key.toString('hex', 2);
}

export function batchIdOf(key: Buffer): bigint {
  return getU64(key, key.byteLength - 8);
}

function withText(of: Table, text: string): Buffer {
  const name = Buffer.from(text);
  const key = Buffer.allocUnsafe(1 + name.byteLength);
  key[0] = of;
  key.set(name, 1);
  return key;
}

function withU32(of: Table, value: number): Buffer {
  const key = Buffer.allocUnsafe(5);
  key[0] = of;
  key.writeUInt32BE(value, 1);
  return key;
}
