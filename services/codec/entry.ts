import { type ByteString, putByteString } from '../core/byte-string.ts';
import { numberFieldSize, putNumberField, putStringField, stringFieldSize } from './field.ts';
import { take } from './slab.ts';
import { utf8Size } from './utf8.ts';
import { bigHalves, type Halves, halves, putVarint, varintSize } from './writer.ts';

/** The header of an entry; see `parley.chat.v1.Entry`. */
export interface EntryHeader {
  readonly convId: string;
  readonly seq: number;
  readonly msgId: bigint;
  readonly sender: string;
  readonly createdAtMs: number;
  readonly ord: number;
  readonly revision: number;
}

/** A header with the sizes that writing it takes. */
export interface Measured {
  readonly header: EntryHeader;
  readonly convIdSize: number;
  readonly senderSize: number;
  readonly seq: Halves;
  readonly msgId: Halves;
  readonly createdAtMs: Halves;
  readonly ord: Halves;
  /** Bytes of the whole header. */
  readonly size: number;
}

/** Encodes a `parley.chat.v1.Entry` from its header and its encoded content (fields ≥ 10). */
export function encodeEntry(header: EntryHeader, content: ByteString): Uint8Array {
  const measured = measure(header);
  const bytes = take(measured.size + content.length);
  putEntry(bytes, 0, measured, content);
  return bytes;
}

export function measure(header: EntryHeader): Measured {
  const convIdSize = utf8Size(header.convId);
  const senderSize = utf8Size(header.sender);
  const seq = halves(header.seq);
  const msgId = bigHalves(header.msgId);
  const createdAtMs = halves(header.createdAtMs);
  const ord = halves(header.ord);
  const size =
    stringFieldSize(convIdSize) +
    numberFieldSize(seq) +
    numberFieldSize(msgId) +
    stringFieldSize(senderSize) +
    numberFieldSize(createdAtMs) +
    numberFieldSize(ord) +
    (header.revision === 0 ? 0 : 1 + varintSize(header.revision));
  return { header, convIdSize, senderSize, seq, msgId, createdAtMs, ord, size };
}

/** Writes header and content at `pos` and gives the place behind. */
export function putEntry(buf: Buffer, pos: number, entry: Measured, content: ByteString): number {
  const { header } = entry;
  let at = putStringField(buf, pos, 0x0a, header.convId, entry.convIdSize);
  at = putNumberField(buf, at, 0x10, entry.seq);
  at = putNumberField(buf, at, 0x18, entry.msgId);
  at = putStringField(buf, at, 0x22, header.sender, entry.senderSize);
  at = putNumberField(buf, at, 0x28, entry.createdAtMs);
  at = putNumberField(buf, at, 0x30, entry.ord);
  if (header.revision !== 0) {
    buf[at] = 0x38;
    at = putVarint(buf, at + 1, header.revision);
  }
  return putByteString(buf, at, content);
}
