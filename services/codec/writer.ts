/** Varints, written by hand: each `put` writes at `pos` and gives the place behind; each `size` says how much that is. */

const scratch = new DataView(new ArrayBuffer(8));

/** A 64-bit number in halves. */
export interface Halves {
  readonly lo: number;
  readonly hi: number;
}

/** Numbers below 2^53; negative ones in two's complement. */
export function halves(value: number): Halves {
  return { lo: value >>> 0, hi: Math.floor(value / 0x1_0000_0000) >>> 0 };
}

export function bigHalves(value: bigint): Halves {
  scratch.setBigUint64(0, value);
  return { lo: scratch.getUint32(4), hi: scratch.getUint32(0) };
}

/** For numbers below 2^32. */
export function varintSize(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  return value < 0x1000_0000 ? 4 : 5;
}

export function putVarint(buf: Uint8Array, pos: number, value: number): number {
  let at = pos;
  let rest = value;
  while (rest > 0x7f) {
    buf[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  buf[at++] = rest;
  return at;
}

export function varint64Size({ lo, hi }: Halves): number {
  if (hi === 0) return varintSize(lo);
  if (hi < 0x8) return 5;
  if (hi < 0x400) return 6;
  if (hi < 0x2_0000) return 7;
  if (hi < 0x100_0000) return 8;
  return hi < 0x8000_0000 ? 9 : 10;
}

export function putVarint64(buf: Uint8Array, pos: number, value: Halves): number {
  if (value.hi === 0) return putVarint(buf, pos, value.lo);
  buf[pos] = (value.lo & 0x7f) | 0x80;
  buf[pos + 1] = ((value.lo >>> 7) & 0x7f) | 0x80;
  buf[pos + 2] = ((value.lo >>> 14) & 0x7f) | 0x80;
  buf[pos + 3] = ((value.lo >>> 21) & 0x7f) | 0x80;
  const middle = (value.lo >>> 28) | ((value.hi & 0x07) << 4);
  if (value.hi < 0x8) {
    buf[pos + 4] = middle;
    return pos + 5;
  }
  buf[pos + 4] = middle | 0x80;
  return putVarint(buf, pos + 5, value.hi >>> 3);
}
