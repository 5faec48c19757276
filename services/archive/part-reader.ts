import type { Hash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import { ByteReader, getU32 } from '../core/bytes.ts';
import { ArchiveError } from './archive-error.ts';
import { assertSound, frameBytesAtMost, frameHeadBytes, magic, type RowsFrame, rowsFrame } from './frame.ts';
import { partName } from './part-writer.ts';

export interface PartReaderOptions {
  readonly directory: string;
  readonly no: number;
  /** Of the store that the part must be of. */
  readonly epoch: string;
  /** Gets all bytes of the file. */
  readonly hash?: Hash;
  readonly onBytes?: (bytes: number) => void;
}

/** The frames of a part, in order. Throws an ArchiveError for a part that is damaged, cut off, or another one's. */
export async function* readPart(options: PartReaderOptions): AsyncGenerator<RowsFrame> {
  const { directory, no, epoch } = options;
  const name = partName(no);
  const file = await open(path.join(directory, name), 'r').catch((error: unknown) => {
    throw new ArchiveError(
      `${name} can't be opened: ${error instanceof Error ? error.message : error}`,
      error,
    );
  });
  try {
    const begin = await take(file, magic.byteLength, options);
    if (!begin?.equals(magic))
      throw new ArchiveError(`${name} is no part of an export that this program can read`);
    const first = await takeFrame(file, name, options);
    const reader = new ByteReader(first ?? Buffer.alloc(0));
    if (first === undefined || reader.u32() !== no)
      throw new ArchiveError(`${name} is another part of an export`);
    if (reader.text() !== epoch) throw new ArchiveError(`${name} is part of an export of another store`);
    for (;;) {
      const payload = await takeFrame(file, name, options);
      if (payload === undefined) return;
      yield rowsFrame(payload);
    }
  } catch (error) {
    throw error instanceof RangeError
      ? new ArchiveError(`${name} is damaged: ${error.message}`, error)
      : error;
  } finally {
    await file.close();
  }
}

async function takeFrame(
  file: FileHandle,
  name: string,
  options: PartReaderOptions,
): Promise<Buffer | undefined> {
  const head = await take(file, frameHeadBytes, options);
  if (head === undefined) return undefined;
  const length = head.byteLength < frameHeadBytes ? frameBytesAtMost + 1 : getU32(head, 0);
  if (length > frameBytesAtMost) throw new ArchiveError(`${name} is damaged: a frame of no possible length`);
  const payload = (await take(file, length, options)) ?? Buffer.alloc(0);
  if (payload.byteLength < length) throw new ArchiveError(`${name} is cut off`);
  assertSound(head, payload, name);
  return payload;
}

/** So many bytes, or those that are left; undefined at the end. */
async function take(
  file: FileHandle,
  length: number,
  { hash, onBytes }: PartReaderOptions,
): Promise<Buffer | undefined> {
  const bytes = Buffer.allocUnsafeSlow(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  if (filled === 0 && length > 0) return undefined;
  const read = bytes.subarray(0, filled);
  hash?.update(read);
  onBytes?.(filled);
  return read;
}
