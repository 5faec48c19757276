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
}
