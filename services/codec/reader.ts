import { decodeUtf8 } from './utf8.ts';

/** Thrown where bytes leave the straight path. Made once: a stack would cost more than the decoding. */
export const irregular = new Error('not in the form that is read straight');

/**
 * Reads protobuf in the form that encoders write: tags, lengths and 32-bit numbers of at most 5 bytes, 64-bit ones of
 * at most 10, nothing beyond the end. Throws `irregular` at everything else.
 */
export class Reader {
  readonly bytes: Uint8Array;
  /** The same bytes, as text is decoded from. */
  readonly buf: Buffer;
  pos = 0;
  /** Low and high half of what `uint64` read. */
  lo = 0;
  hi = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.buf = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** A number below 2^32; tags are read by this, too. */
  uint32(): number {
    const buf = this.buf;
    const first = buf[this.pos++];
    if (first === undefined) throw irregular;
    if (first < 0x80) return first;
    let value = first & 0x7f;
    for (let shift = 7; shift < 28; shift += 7) {
      const byte = buf[this.pos++];
      if (byte === undefined) throw irregular;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    const last = buf[this.pos++];
    if (last === undefined || last > 0x0f) throw irregular;
    return (value | (last << 28)) >>> 0;
  }

  /** Reads the length of what follows and gives its end, which is not beyond `limit`. */
  end(limit: number): number {
    const length = this.uint32();
    const end = this.pos + length;
    if (end > limit) throw irregular;
    return end;
  }

  /** A 64-bit number; above 2^53 not exactly, but above 2^53. */
  uint64(): number {
    const buf = this.buf;
    const first = buf[this.pos];
    if (first !== undefined && first < 0x80) {
      this.pos++;
      this.lo = first;
      this.hi = 0;
      return first;
    }
    let lo = 0;
    let hi = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = buf[this.pos++];
      if (byte === undefined || (shift === 63 && byte > 1)) throw irregular;
      if (shift < 28) lo |= (byte & 0x7f) << shift;
      else if (shift === 28) {
        lo |= (byte & 0x0f) << 28;
        hi = (byte & 0x70) >> 4;
      } else hi |= (byte & 0x7f) << (shift - 32);
      if (byte < 0x80) break;
    }
    this.lo = lo >>> 0;
    this.hi = hi >>> 0;
    return this.hi * 0x1_0000_0000 + this.lo;
  }

  /** As uint64, exactly. */
  bigint(): bigint {
    const value = this.uint64();
    return Number.isSafeInteger(value) ? BigInt(value) : (BigInt(this.hi) << 32n) | BigInt(this.lo);
  }

  // Fields with a tag of one byte, of a message that ends at `end`: what it is where the tag stands next, else the
  // default. Whoever reads fields in the order of their numbers has all of them where encoders wrote the message.

  textField(tag: number, end: number): string {
    if (!this.#at(tag, end)) return '';
    const textEnd = this.end(end);
    const text = decodeUtf8(this.buf, this.pos, textEnd);
    this.pos = textEnd;
    return text;
  }

  /** A safe integer of a 64-bit type; larger ones, and negative ones, are irregular. */
  integerField(tag: number, end: number): number {
    if (!this.#at(tag, end)) return 0;
    const value = this.uint64();
    if (value > Number.MAX_SAFE_INTEGER) throw irregular;
    return value;
  }

  uint32Field(tag: number, end: number): number {
    return this.#at(tag, end) ? this.uint32() : 0;
  }

  bigintField(tag: number, end: number): bigint {
    return this.#at(tag, end) ? this.bigint() : 0n;
  }

  flagField(tag: number, end: number): boolean {
    return this.#at(tag, end) && this.uint32() !== 0;
  }

  #at(tag: number, end: number): boolean {
    if (this.pos >= end || this.buf[this.pos] !== tag) return false;
    this.pos += 1;
    return true;
  }
}
