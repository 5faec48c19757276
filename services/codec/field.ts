import { putUtf8 } from './utf8.ts';
import { type Halves, putVarint, putVarint64, varint64Size, varintSize } from './writer.ts';

/** Fields with a tag of one byte. As proto3 has it, what is empty or 0 is left out. */

export function stringFieldSize(size: number): number {
  return size === 0 ? 0 : 1 + varintSize(size) + size;
}

export function putStringField(
  buf: Uint8Array,
  pos: number,
  tag: number,
  text: string,
  size: number,
): number {
  if (size === 0) return pos;
  buf[pos] = tag;
  const at = putVarint(buf, pos + 1, size);
  putUtf8(buf, at, text, size);
  return at + size;
}

export function numberFieldSize(value: Halves): number {
  return value.lo === 0 && value.hi === 0 ? 0 : 1 + varint64Size(value);
}

export function putNumberField(buf: Uint8Array, pos: number, tag: number, value: Halves): number {
  if (value.lo === 0 && value.hi === 0) return pos;
  buf[pos] = tag;
  return putVarint64(buf, pos + 1, value);
}
