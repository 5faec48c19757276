import { crc32 } from 'node:zlib';
import { ByteReader, getU32, putU32 } from '../core/bytes.ts';
import { decodeArchiveRow, encodeArchiveRow, tableAt, tableCode } from '../ports/archive-codec.ts';
import type { ArchiveRow, ArchiveTable } from '../ports/store-archive.ts';
import { ArchiveError } from './archive-error.ts';

/**
 * The files of an archive. A part begins with `PARLEYA1` and goes on with frames: payload length (4 bytes,
 * big-endian), CRC-32 of the payload, payload. The first frame says whose part it is: its number from 1, and the epoch
 * of the store. Each further one has rows of one table: its number, how many, and each row with its length in front.
 */
export const magic = Buffer.from('PARLEYA1', 'latin1');
export const frameHeadBytes = 8;

/** A frame is closed with the row that brings it to either, or to the size of a file. */
const frameBytes = 256 * 1024;
const frameRows = 1_000;
/** No frame of a sound archive is larger: a frame has one row too many at most. */
export const frameBytesAtMost = 64 * 1024 * 1024;

const rowsHeadBytes = 5;

export interface RowsFrame {
  readonly table: ArchiveTable;
  readonly count: number;
  /** Each with its length in front: what digests are made of. */
  readonly rows: Buffer;
}

/** A row as it stands in frames and goes into digests. */
export function lengthAndRow(row: ArchiveRow): Buffer {
  const encoded = encodeArchiveRow(row);
  const bytes = Buffer.allocUnsafe(4 + encoded.byteLength);
  putU32(bytes, 0, encoded.byteLength);
  bytes.set(encoded, 4);
  return bytes;
}

/** Gathers rows of one table. */
export class FrameBuilder {
  readonly table: ArchiveTable;
  readonly #bytesAtMost: number;
  readonly #rows: Buffer[] = [];
  #bytes = 0;

  constructor({ table, partBytes }: { readonly table: ArchiveTable; readonly partBytes: number }) {
    this.table = table;
    this.#bytesAtMost = Math.min(frameBytes, partBytes);
  }

  get count(): number {
    return this.#rows.length;
  }

  /** True when the frame is full. */
  add(row: ArchiveRow): boolean {
    const bytes = lengthAndRow(row);
    this.#rows.push(bytes);
    this.#bytes += bytes.byteLength;
    return this.#bytes >= this.#bytesAtMost || this.#rows.length >= frameRows;
  }

  /** The whole frame. */
  take(): Buffer {
    const head = Buffer.allocUnsafe(rowsHeadBytes);
    head[0] = tableCode(this.table);
    putU32(head, 1, this.#rows.length);
    return framed(Buffer.concat([head, ...this.#rows], rowsHeadBytes + this.#bytes));
  }
}

export function framed(payload: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(frameHeadBytes + payload.byteLength);
  putU32(frame, 0, payload.byteLength);
  putU32(frame, 4, crc32(payload));
  frame.set(payload, frameHeadBytes);
  return frame;
}

/** Throws an ArchiveError where the payload is not the one that was written. */
export function assertSound(head: Buffer, payload: Buffer, where: string): void {
  if (crc32(payload) !== getU32(head, 4))
    throw new ArchiveError(`${where} is damaged: its checksum is another one`);
}

export function rowsFrame(payload: Buffer): RowsFrame {
  if (payload.byteLength < rowsHeadBytes) throw new RangeError('a frame without rows');
  return {
    table: tableAt(payload[0] as number),
    count: getU32(payload, 1),
    rows: payload.subarray(rowsHeadBytes),
  };
}

/** Throws RangeError for what are no such rows. */
export function rowsOf({ table, count, rows }: RowsFrame): ArchiveRow[] {
  const reader = new ByteReader(rows);
  const decoded: ArchiveRow[] = [];
  for (let at = 0; at < count; at += 1) decoded.push(decodeArchiveRow(table, reader.raw(reader.u32())));
  if (reader.rest().byteLength > 0) throw new RangeError('a frame goes on behind its rows');
  return decoded;
}
