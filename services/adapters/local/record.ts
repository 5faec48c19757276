import { crc32 } from 'node:zlib';
import type { ConvId } from '../../core/ids.ts';
import type { LogEvent } from '../../ports/event-log.ts';

/**
 * A record of a segment: length and CRC-32 of what follows (4 bytes each, big-endian), length of the conv_id (2), the
 * conv_id in UTF-8, the value.
 */
export const headerBytes = 8;

export function encodeRecord({ convId, value }: LogEvent): Buffer {
  const key = Buffer.from(convId, 'utf8');
  const record = Buffer.allocUnsafe(headerBytes + 2 + key.byteLength + value.byteLength);
  record.writeUInt32BE(record.byteLength - headerBytes, 0);
  record.writeUInt16BE(key.byteLength, headerBytes);
  key.copy(record, headerBytes + 2);
  record.set(value, headerBytes + 2 + key.byteLength);
  record.writeUInt32BE(crc32(record.subarray(headerBytes)), 4);
  return record;
}

export type DecodedRecord =
  | { readonly t: 'record'; readonly event: LogEvent; readonly bytes: number }
  /** So many bytes are needed, header included. */
  | { readonly t: 'short'; readonly bytes: number }
  | { readonly t: 'broken' };

/** The record that begins at `at`; its value is a copy. `mostBytes` is the most that a record can have. */
export function decodeRecord(buffer: Buffer, at: number, mostBytes: number): DecodedRecord {
  if (buffer.byteLength - at < headerBytes) return { t: 'short', bytes: headerBytes };
  const length = buffer.readUInt32BE(at);
  if (length < 2 || length > mostBytes) return { t: 'broken' };
  const bytes = headerBytes + length;
  if (buffer.byteLength - at < bytes) return { t: 'short', bytes };
  const payload = buffer.subarray(at + headerBytes, at + bytes);
  if (crc32(payload) !== buffer.readUInt32BE(at + 4)) return { t: 'broken' };
  const keyEnd = 2 + payload.readUInt16BE(0);
  if (keyEnd > length) return { t: 'broken' };
  const convId = payload.toString('utf8', 2, keyEnd) as ConvId;
  return { t: 'record', event: { convId, value: Uint8Array.from(payload.subarray(keyEnd)) }, bytes };
}
