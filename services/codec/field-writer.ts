import { type ByteString, putByteString } from '../core/byte-string.ts';
import { take } from './slab.ts';
import { putUtf8, utf8Size } from './utf8.ts';
import { bigHalves, halves, putVarint, putVarint64, varintSize } from './writer.ts';

const firstBytes = 64 * 1024;
/** A buffer that a large message has needed is not kept. */
const keptBytes = 1024 * 1024;
const varintBytes = 10;
const mostBig = (1n << 64n) - 1n;

/**
 * Writes protobuf fields one after the other into a buffer that grows, for messages of unlike parts whose sizes nobody
 * knows beforehand. Tags are of one byte. As proto3 has it, what is empty or 0 is left out; `open` and `close` write a
 * message also where it is empty. To be used within one turn, from `begin` to `finish`.
 */
export class FieldWriter {
  #buf = Buffer.allocUnsafeSlow(firstBytes);
  #pos = 0;

  begin(): void {
    this.#pos = 0;
  }

  /** What was written since `begin`, in a buffer of its own. */
  finish(): Buffer {
    const bytes = take(this.#pos);
    bytes.set(this.#buf.subarray(0, this.#pos));
    if (this.#buf.byteLength > keptBytes) this.#buf = Buffer.allocUnsafeSlow(firstBytes);
    return bytes;
  }

  /**
   * Begins a message inside the one at hand; what is given goes to `close`. `lengthBytes` is how many bytes its length
   * will take: a wrong guess has the message moved.
   */
  open(tag: number, lengthBytes: 1 | 2): number {
    this.#reserve(1 + lengthBytes);
    this.#buf[this.#pos] = tag;
    this.#pos += 1 + lengthBytes;
    return this.#pos;
  }

  /** Ends the message that began at `start`; `lengthBytes` as it was opened with. */
  close(start: number, lengthBytes: 1 | 2): void {
    const size = this.#pos - start;
    const moved = varintSize(size) - lengthBytes;
    if (moved !== 0) {
      this.#reserve(varintBytes);
      this.#buf.copyWithin(start + moved, start, this.#pos);
      this.#pos += moved;
    }
    putVarint(this.#buf, start - lengthBytes, size);
  }

  /** Takes the message back that was opened last, and in which nothing was written. */
  abandon(start: number, lengthBytes: 1 | 2): void {
    this.#pos = start - lengthBytes - 1;
  }

  text(tag: number, value: string): void {
    const size = utf8Size(value);
    if (size !== 0) this.#text(tag, value, size);
  }

  /** Writes it also where it is empty: an item of a list. */
  item(tag: number, value: string): void {
    this.#text(tag, value, utf8Size(value));
  }

  bytes(tag: number, value: Uint8Array): void {
    if (value.byteLength !== 0) this.message(tag, value);
  }

  byteString(tag: number, value: ByteString): void {
    if (value.length === 0) return;
    const at = this.#header(tag, value.length);
    this.#pos = putByteString(this.#buf, at, value);
  }

  /** A message that is encoded already. */
  message(tag: number, encoded: Uint8Array): void {
    const at = this.#header(tag, encoded.byteLength);
    this.#buf.set(encoded, at);
    this.#pos = at + encoded.byteLength;
  }

  /** A safe integer; of a 64-bit type. Throws a RangeError for anything else. */
  integer(tag: number, value: number): void {
    if (value === 0) return;
    if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is no safe integer`);
    this.#reserve(1 + varintBytes);
    this.#buf[this.#pos] = tag;
    this.#pos = putVarint64(this.#buf, this.#pos + 1, halves(value));
  }

  /** Below 2^32. Throws a RangeError for anything else. */
  uint32(tag: number, value: number): void {
    if (value === 0) return;
    if (value >>> 0 !== value) throw new RangeError(`${value} is no unsigned number of 32 bits`);
    this.#reserve(1 + varintBytes);
    this.#buf[this.#pos] = tag;
    this.#pos = putVarint(this.#buf, this.#pos + 1, value);
  }

  /** Unsigned, of 64 bits. Throws a RangeError for anything else. */
  bigint(tag: number, value: bigint): void {
    if (value === 0n) return;
    if (value < 0n || value > mostBig) throw new RangeError(`${value} is no unsigned number of 64 bits`);
    this.#reserve(1 + varintBytes);
    this.#buf[this.#pos] = tag;
    this.#pos = putVarint64(this.#buf, this.#pos + 1, bigHalves(value));
  }

  flag(tag: number, value: boolean): void {
    if (!value) return;
    this.#reserve(2);
    this.#buf[this.#pos] = tag;
    this.#buf[this.#pos + 1] = 1;
    this.#pos += 2;
  }

  #text(tag: number, value: string, size: number): void {
    const at = this.#header(tag, size);
    putUtf8(this.#buf, at, value, size);
    this.#pos = at + size;
  }

  /** Writes tag and length, with room for the content, and gives where that begins. */
  #header(tag: number, size: number): number {
    this.#reserve(1 + varintBytes + size);
    this.#buf[this.#pos] = tag;
    return putVarint(this.#buf, this.#pos + 1, size);
  }

  #reserve(bytes: number): void {
    if (this.#pos + bytes <= this.#buf.byteLength) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#pos + bytes, 2 * this.#buf.byteLength));
    larger.set(this.#buf.subarray(0, this.#pos));
    this.#buf = larger;
  }
}
