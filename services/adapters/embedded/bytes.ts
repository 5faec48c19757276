import type { ConvId, UserId } from '../../core/ids.ts';

/**
 * The little binary format of this folder: requests and answers between the threads, and the values of rows. Numbers
 * are big-endian; strings and byte strings carry their length. Nothing is self-describing: reader and writer agree.
 */

const twoTo32 = 0x1_0000_0000;

/** Appends to a buffer that grows. */
export class ByteWriter {
  #bytes: Buffer;
  #length = 0;

  private constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** For the value of a row: small, comes from Node's pool. */
  static row(capacity: number): ByteWriter {
    return new ByteWriter(Buffer.allocUnsafe(capacity));
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
    this.#put32(this.#grow(4), value);
  }

  /** An integer from 0 to 2^53 − 1. */
  u53(value: number): void {
    const at = this.#grow(8);
    this.#put32(at, Math.floor(value / twoTo32));
    this.#put32(at + 4, value >>> 0);
  }

  /** An unsigned 64-bit integer. */
  u64(value: bigint): void {
    const at = this.#grow(8);
    this.#bytes.writeBigUInt64BE(value, at);
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
  blob(value: Uint8Array): void {
    this.u32(value.byteLength);
    this.raw(value);
  }

  raw(value: Uint8Array): void {
    const at = this.#grow(value.byteLength);
    this.#bytes.set(value, at);
  }

  /** What was written, as a view. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** The buffer itself, for handing over; what was written stands at its beginning. Only after `message`. */
  take(): ArrayBuffer {
    return this.#bytes.buffer as ArrayBuffer;
  }

  #put32(at: number, value: number): void {
    const bytes = this.#bytes;
    bytes[at] = value >>> 24;
    bytes[at + 1] = value >>> 16;
    bytes[at + 2] = value >>> 8;
    bytes[at + 3] = value;
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
    return this.#get32(this.#take(4));
  }

  u53(): number {
    const at = this.#take(8);
    return this.#get32(at) * twoTo32 + this.#get32(at + 4);
  }

  u64(): bigint {
    return this.#bytes.readBigUInt64BE(this.#take(8));
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

  /** A view, not a copy. */
  blob(): Uint8Array {
    return this.raw(this.u32());
  }

  /** A view, not a copy. */
  raw(length: number): Uint8Array {
    const at = this.#take(length);
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + at, length);
  }

  rest(): Uint8Array {
    return this.raw(this.#bytes.byteLength - this.#at);
  }

  #get32(at: number): number {
    const bytes = this.#bytes;
    return (
      (bytes[at] as number) * 0x100_0000 +
      (((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number))
    );
  }

  #take(length: number): number {
    const at = this.#at;
    this.#at = at + length;
    if (this.#at > this.#bytes.byteLength) throw new RangeError('read past the end');
    return at;
  }
}
