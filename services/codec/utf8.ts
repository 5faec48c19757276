import { isAscii } from 'node:buffer';

/** From here on the native scan is faster than a loop. */
const nativeFrom = 64;
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** The string that stands as UTF-8 in buf[start, end). Throws where it is no valid UTF-8. */
export function decodeUtf8(buf: Buffer, start: number, end: number): string {
  for (let i = start; i < end; i++) {
    if (buf[i]! > 0x7f) return strict.decode(buf.subarray(start, end));
  }
  return buf.toString('latin1', start, end);
}

/** How many bytes a string takes as UTF-8. Lone surrogates count as U+FFFD, which is what they are written as. */
export function utf8Size(text: string): number {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > 0x7f) return Buffer.byteLength(text, 'utf8');
  }
  return text.length;
}

/** Writes a string whose utf8Size is `size` at `pos`. */
export function putUtf8(buf: Uint8Array, pos: number, text: string, size: number): void {
  if (size === text.length) for (let i = 0; i < size; i++) buf[pos + i] = text.charCodeAt(i);
  else encoder.encodeInto(text, buf.subarray(pos, pos + size));
}

/** How many UTF-16 code units the UTF-8 in buf[start, end) stands for; −1 where it is no valid UTF-8. */
export function utf16Length(buf: Uint8Array, start: number, end: number): number {
  if (end - start >= nativeFrom && isAscii(buf.subarray(start, end))) return end - start;
  let units = 0;
  let i = start;
  while (i < end) {
    const lead = buf[i]!;
    if (lead < 0x80) {
      i += 1;
      units += 1;
      continue;
    }
    const size = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    if (size === 0 || i + size > end || !continues(buf, i, size)) return -1;
    i += size;
    units += size === 4 ? 2 : 1;
  }
  return units;
}

/** Whether the bytes after a lead byte belong to it: no overlong form, no surrogate, nothing above U+10FFFF. */
function continues(buf: Uint8Array, at: number, size: number): boolean {
  const lead = buf[at]!;
  const second = buf[at + 1]!;
  const from = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const to = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (second < from || second > to) return false;
  for (let i = at + 2; i < at + size; i++) if ((buf[i]! & 0xc0) !== 0x80) return false;
  return true;
}
