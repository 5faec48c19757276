/**
 * The first 19 bytes of every text that the generator sends: sender (5 hex digits), conversation (5), message number
 * (9). What is received says by itself where it belongs, so a delivery is checked without parsing more than this.
 */
export const stampBytes = 19;

const digits = Buffer.from('0123456789abcdef', 'latin1');
const notHex = 255;
const values = new Uint8Array(256).fill(notHex);
for (let i = 0; i < 16; i++) values[digits[i] as number] = i;

export function putHex(into: Buffer, at: number, length: number, value: number): void {
  let rest = value;
  for (let i = at + length - 1; i >= at; i--) {
    into[i] = digits[rest & 15] as number;
    rest >>>= 4;
  }
}

/** The number written at a place, or −1 when something else stands there. Values below 2^31. */
export function readHex(from: Uint8Array, at: number, length: number): number {
  let value = 0;
  for (let i = at; i < at + length; i++) {
    const digit = values[from[i] as number] as number;
    if (digit === notHex) return -1;
    value = (value << 4) | digit;
  }
  return value;
}

export function putStamp(into: Buffer, at: number, sender: number, conversation: number, k: number): void {
  putHex(into, at, 5, sender);
  putHex(into, at + 5, 5, conversation);
  putHex(into, at + 10, 9, k);
}

export const senderOf = (from: Uint8Array, at: number): number => readHex(from, at, 5);
export const conversationOf = (from: Uint8Array, at: number): number => readHex(from, at + 5, 5);
export const numberOf = (from: Uint8Array, at: number): number => readHex(from, at + 10, 9);

/** A text of the given length: room for a stamp, and a filler that is always the same. */
export function blankText(length: number): Buffer {
  const text = Buffer.alloc(length, 'abcdefghijklmnopqrstuvwxyz ', 'latin1');
  text.fill('0', 0, stampBytes, 'latin1');
  return text;
}

/** Whether the filler came through: its length is known to the caller, its ends are looked at. */
export function fillerIntact(from: Uint8Array, textAt: number, blank: Buffer): boolean {
  const last = blank.length - 1;
  return from[textAt + stampBytes] === blank[stampBytes] && from[textAt + last] === blank[last];
}
