import { type ByteString, putByteString } from './byte-string.ts';
import type { ConvId, UserId } from './ids.ts';

/**
 * The little binary format of the stores: requests and answers between threads, and the values of rows. Numbers
 * are big-endian; strings and byte strings carry their length. Nothing is self-describing: reader and writer agree.
 */

const twoTo32 = 0x1_0000_0000;

// Buffer's own writeBigUInt64BE does BigInt arithmetic, which costs ten times as much as this detour.
const wide = new DataView(new ArrayBuffer(8));

/** Writes an unsigned 64-bit integer, big-endian. */
export function putU64(bytes: Buffer, at: number, value: bigint): void {
  wide.setBigUint64(0, value);
  putU32(bytes, at, wide.getUint32(0));
  putU32(bytes, at + 4, wide.getUint32(4));
}

/** Writes an integer from 0 to 2^53 − 1 in eight bytes, big-endian. */
export function putU53(bytes: Buffer, at: number, value: number): void {
  putU32(bytes, at, Math.floor(value / twoTo32));
  putU32(bytes, at + 4, value >>> 0);
}

export function putU32(bytes: Buffer, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

export function getU64(bytes: Buffer, at: number): bigint {
  wide.setUint32(0, getU32(bytes, at));
  wide.setUint32(4, getU32(bytes, at + 4));
  return wide.getBigUint64(0);
}

export function getU53(bytes: Buffer, at: number): number {
  return getU32(bytes, at) * twoTo32 + getU32(bytes, at + 4);
}

export function getU32(bytes: Buffer, at: number): number {
  return (
    (bytes[at] as number) * 0x100_0000 +
    (((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number))
  );
}

/** Appends to a buffer that grows. */
export class ByteWriter {
  #bytes: Buffer;
  #length = 0;

  private constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /**
   * For the value of a row. There is one such writer, since LevelDB copies at once what it is given: what was written
   * holds until the next row is begun.
   */
  static row(): ByteWriter {
    rowWriter.#length = 0;
    return rowWriter;
  }

  /** For a request or an answer: a buffer of its own, which `take` hands over whole. */
  static message(capacity: number): ByteWriter {
    return new ByteWriter(Buffer.allocUnsafeSlow(capacity));
  }

  get length(): number {
    return this.#length;
  }

  u8(value: number): void {
    const at = this.#grow(1);
    this.#bytes[at] = value;
  }

  u32(value: number): void {
    const at = this.#grow(4);
    putU32(this.#bytes, at, value);
  }

  /** An integer from 0 to 2^53 − 1. */
  u53(value: number): void {
    const at = this.#grow(8);
    putU53(this.#bytes, at, value);
  }

  /** An unsigned 64-bit integer. */
  u64(value: bigint): void {
    const at = this.#grow(8);
    putU64(this.#bytes, at, value);
  }

  /** Text without lone surrogates, at most 65,535 bytes in UTF-8. */
  text(value: string): void {
    const length = value.length;
    const at = this.#grow(2 + 3 * length) + 2;
    const bytes = this.#bytes;
    let written = 0;
    // Ids are short and mostly ASCII: this loop beats a call into the runtime.
    while (written < length) {
      const unit = value.charCodeAt(written);
      if (unit > 0x7f) break;
      bytes[at + written++] = unit;
    }
    if (written < length) written = bytes.write(value, at, 'utf8');
    if (written > 0xffff) throw new RangeError(`text of ${written} bytes is too long for a row`);
    bytes[at - 2] = written >>> 8;
    bytes[at - 1] = written;
    this.#length = at + written;
  }

  /** Bytes with their length in front. */
  byteString(value: ByteString): void {
    this.u32(value.length);
    const at = this.#grow(value.length);
    putByteString(this.#bytes, at, value);
  }

  raw(value: Uint8Array): void {
    const at = this.#grow(value.byteLength);
    this.#bytes.set(value, at);
  }

  /** One byte for each character; throws RangeError for one above U+00FF. */
  latin1(value: string): void {
    const at = this.#grow(value.length);
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i);
      if (code > 0xff) throw new RangeError('not a string of bytes');
      this.#bytes[at + i] = code;
    }
  }

  /** What was written, as a view. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** The buffer itself, for handing over; what was written stands at its beginning. Only after `message`. */
  take(): ArrayBuffer {
    return this.#bytes.buffer as ArrayBuffer;
  }

  #grow(by: number): number {
    const at = this.#length;
    this.#length = at + by;
    if (this.#length > this.#bytes.byteLength) {
      const larger = Buffer.allocUnsafeSlow(Math.max(this.#length, this.#bytes.byteLength * 2));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
    }
    return at;
  }
}

const rowWriter = ByteWriter.message(64 * 1024);

/** Reads what a ByteWriter wrote. Throws RangeError past the end. */
export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u8(): number {
    return this.#bytes[this.#take(1)] as number;
  }

  u32(): number {
    return getU32(this.#bytes, this.#take(4));
  }

  u53(): number {
    return getU53(this.#bytes, this.#take(8));
  }

  u64(): bigint {
    return getU64(this.#bytes, this.#take(8));
  }

  text(): string {
    const length = (this.u8() << 8) | this.u8();
    const at = this.#take(length);
    return this.#bytes.toString('utf8', at, at + length);
  }

  user(): UserId {
    return this.text() as UserId;
  }

  conv(): ConvId {
    return this.text() as ConvId;
  }

  byteString(): ByteString {
    return this.latin1(this.u32()) as ByteString;
  }

  /** A view, not a copy. */
  raw(length: number): Uint8Array {
    const at = this.#take(length);
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + at, length);
  }

  latin1(length: number): string {
    const at = this.#take(length);
    return this.#bytes.toString('latin1', at, at + length);
  }

  rest(): Uint8Array {
    return this.raw(this.#bytes.byteLength - this.#at);
  }

  #take(length: number): number {
    const at = this.#at;
    this.#at = at + length;
    if (this.#at > this.#bytes.byteLength) throw new RangeError('read past the end');
    return at;
  }
}
