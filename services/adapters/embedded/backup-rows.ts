import { getU32, putU32 } from '../../core/bytes.ts';
import type { BackupPage } from '../../ports/store-backup.ts';

/** Rows in a backup: the length of the key, the key, the length of the value, the value. Lengths in four bytes. */

type Row = readonly [key: Buffer, value: Buffer];

export function encodeRows(rows: readonly Row[]): Buffer<ArrayBuffer> {
  let length = 0;
  for (const [key, value] of rows) length += 8 + key.byteLength + value.byteLength;
  const bytes = Buffer.allocUnsafeSlow(length);
  let at = 0;
  for (const row of rows)
    for (const part of row) {
      putU32(bytes, at, part.byteLength);
      bytes.set(part, at + 4);
      at += 4 + part.byteLength;
    }
  return bytes;
}

/** Views of the page. Throws RangeError for what is no page of rows. */
export function decodeRows({ rows, bytes: page }: BackupPage): Row[] {
  const bytes = Buffer.from(page.buffer, page.byteOffset, page.byteLength);
  const decoded: Row[] = [];
  let at = 0;
  const part = (): Buffer => {
    if (at + 4 > bytes.byteLength) throw new RangeError('a page of rows is cut off');
    const end = at + 4 + getU32(bytes, at);
    if (end > bytes.byteLength) throw new RangeError('a row is cut off');
    const found = bytes.subarray(at + 4, end);
    at = end;
    return found;
  };
  for (let row = 0; row < rows; row += 1) decoded.push([part(), part()]);
  if (at !== bytes.byteLength) throw new RangeError('a page goes on behind its rows');
  return decoded;
}
