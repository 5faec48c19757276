import { ByteReader, ByteWriter } from '../../core/bytes.ts';
import type { Seq } from '../../core/ids.ts';
import type { SealedRow } from './sealed-row.ts';

/** How many entries make a page: those with seq 1–50, 51–100 and so on. */
export const pageRows = 50;

/** In front of each page: another one is from another version of this code, and is not read. */
const format = 1;
const usualBytes = 16 * 1024;

export function pageOf(seq: Seq): number {
  return Math.floor((seq - 1) / pageRows);
}

export function firstOf(page: number): Seq {
  return page * pageRows + 1;
}

/** Rows as bytes, for the cache that nodes share; bodies stay sealed. */
export function encodePage(rows: readonly SealedRow[]): Uint8Array {
  const out = ByteWriter.message(usualBytes);
  out.u8(format);
  for (const row of rows) {
    out.u53(row.seq);
    out.u64(row.msgId);
    out.u8(row.kind);
    out.u53(row.ord);
    out.text(row.sender);
    out.u53(row.createdAtMs);
    out.u8(row.status);
    out.u32(row.revision);
    out.u32(row.keyId);
    out.u32(row.body.byteLength);
    out.raw(row.body);
  }
  return out.view();
}

/** The rows of a page; bodies are views of the bytes. Undefined where the bytes are not this page, whole. */
export function decodePage(bytes: Uint8Array, page: number): readonly SealedRow[] | undefined {
  try {
    const reader = new ByteReader(bytes);
    if (reader.u8() !== format) return undefined;
    const rows: SealedRow[] = [];
    for (let seq = firstOf(page); seq < firstOf(page + 1); seq += 1) {
      const row = readRow(reader);
      if (row.seq !== seq) return undefined;
      rows.push(row);
    }
    return reader.rest().byteLength === 0 ? rows : undefined;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function readRow(reader: ByteReader): SealedRow {
  return {
    seq: reader.u53(),
    msgId: reader.u64(),
    kind: reader.u8(),
    ord: reader.u53(),
    sender: reader.text(),
    createdAtMs: reader.u53(),
    status: reader.u8(),
    revision: reader.u32(),
    keyId: reader.u32(),
    body: reader.raw(reader.u32()),
  };
}
