import { type FileHandle, open } from 'node:fs/promises';
import { crc32c } from './crc32c.ts';
import type { Level } from './level.ts';

/**
 * LevelDB's table files, as its doc/table_format.md describes them, as far as their checksums need it. The binding that we use
 * reads tables without a look at these, and a damaged block may then end the process.
 */

/** Where a block is; behind it stand its kind and its checksum. */
interface BlockHandle {
  readonly offset: number;
  readonly size: number;
}

interface Reader {
  readonly bytes: Buffer;
  at: number;
}

const footerBytes = 48;
const magic = 0xdb47_7524_8b80_fb57n;
const trailerBytes = 5;
const uncompressed = 0;
const maskDelta = 0xa282_ead8;

export interface TableReport {
  readonly blocks: number;
  readonly damaged: number;
}

/** The table files that the store is made of at the moment, by their names. */
export function tableFiles(level: Pick<Level, 'getProperty'>): readonly string[] {
  const listed = level.getProperty('leveldb.sstables').matchAll(/^ *(\d+):\d+\[/gm);
  return [...listed].map(([, number = '']) => `${number.padStart(6, '0')}.ldb`);
}

/** Looks at every block of a table file. Rejects where the file can't be read; damage is reported, not thrown. */
export async function checkTable(file: string): Promise<TableReport> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const whole = { blocks: 1, damaged: 1 };
    if (size < footerBytes) return whole;
    const footer: Reader = {
      bytes: await read(handle, { offset: size - footerBytes, size: footerBytes }),
      at: 0,
    };
    if (footer.bytes.readBigUInt64LE(footerBytes - 8) !== magic) return whole;
    const most = size - footerBytes - trailerBytes;
    const [metaIndex, index] = [blockHandle(footer), blockHandle(footer)];
    // What the filter is found by, and what rows are found by.
    const metaBlock = await soundBlock(handle, metaIndex, most);
    const indexBlock = await soundBlock(handle, index, most);
    if (metaBlock === undefined || indexBlock === undefined) return whole;
    const handles = [...handlesOf(metaBlock), ...handlesOf(indexBlock)];
    let damaged = 0;
    for (const each of handles) if ((await soundBlock(handle, each, most)) === undefined) damaged += 1;
    return { blocks: handles.length + 2, damaged };
  } finally {
    await handle.close();
  }
}

/** What a block holds; undefined for one that is damaged. */
async function soundBlock(
  handle: FileHandle,
  { offset, size }: BlockHandle,
  most: number,
): Promise<Buffer | undefined> {
  if (offset + size > most) return undefined;
  const block = await read(handle, { offset, size: size + trailerBytes });
  if (block.length < size + trailerBytes || block[size] !== uncompressed) return undefined;
  return unmasked(block.readUInt32LE(size + 1)) === crc32c(block.subarray(0, size + 1))
    ? block.subarray(0, size)
    : undefined;
}

/** Each entry of an index leads to a block; keys, which share what they begin with, are passed over. */
function* handlesOf(index: Buffer): Generator<BlockHandle> {
  const restarts = index.readUInt32LE(index.length - 4);
  const end = index.length - 4 - 4 * restarts;
  for (const reader: Reader = { bytes: index, at: 0 }; reader.at < end; ) {
    varint(reader);
    const ownBytes = varint(reader);
    const valueBytes = varint(reader);
    const valueAt = reader.at + ownBytes;
    yield blockHandle({ bytes: index, at: valueAt });
    reader.at = valueAt + valueBytes;
  }
}

function blockHandle(reader: Reader): BlockHandle {
  const offset = varint(reader);
  return { offset, size: varint(reader) };
}

/** Offsets and sizes are far below 2^53. */
function varint(reader: Reader): number {
  let value = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = reader.bytes[reader.at] ?? 0;
    reader.at += 1;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value;
  }
}

function unmasked(stored: number): number {
  const rotated = (stored - maskDelta) >>> 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0;
}

async function read(handle: FileHandle, { offset, size }: BlockHandle): Promise<Buffer> {
  const bytes = Buffer.alloc(size);
  const { bytesRead } = await handle.read(bytes, 0, size, offset);
  return bytes.subarray(0, bytesRead);
}
