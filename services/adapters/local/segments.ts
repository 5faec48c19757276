import { type FileHandle, mkdir, open, readdir, stat, truncate, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory } from '../../core/sync-files.ts';
import { maxEventBytes } from '../../ports/event-log.ts';
import { decodeRecord } from './record.ts';

/** A file of the log: the records from position `first` on. */
export interface Segment {
  readonly path: string;
  readonly first: number;
  records: number;
  /** Up to here the file is whole and durable. */
  bytes: number;
}

/** A record has a key of at most 64 characters besides its value. */
export const mostRecordBytes = maxEventBytes + 1_024;

const suffix = '.events';

function pathOf(directory: string, first: number): string {
  return join(directory, `${String(first).padStart(16, '0')}${suffix}`);
}

/**
 * The segments of a directory, which is made when there is none, in order. What a crash left half written at the end is
 * cut off: nobody was told that it is durable.
 */
export async function openSegments(directory: string): Promise<Segment[]> {
  await mkdir(directory, { recursive: true });
  const names = (await readdir(directory)).filter((name) => /^\d{16}\.events$/.test(name)).sort();
  const segments: Segment[] = [];
  for (const [index, name] of names.entries()) {
    const path = join(directory, name);
    const first = Number(name.slice(0, 16));
    const whole = await scan(path);
    const next = names[index + 1];
    if (next === undefined) {
      if ((await stat(path)).size > whole.bytes) await truncate(path, whole.bytes);
      segments.push({ path, first, ...whole });
    } else {
      // What can't be read of an earlier one counts as records all the same: later positions stay as they are.
      segments.push({ path, first, records: Number(next.slice(0, 16)) - first, bytes: whole.bytes });
    }
  }
  return segments;
}

/** A new segment, durable as an empty file. */
export async function createSegment(directory: string, first: number): Promise<Segment> {
  const path = pathOf(directory, first);
  const file = await open(path, 'w', 0o600);
  await file.close();
  await syncDirectory(directory);
  return { path, first, records: 0, bytes: 0 };
}

export async function removeSegment({ path }: Segment): Promise<void> {
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}

/** Records and bytes up to the first that is not whole. */
async function scan(path: string): Promise<{ records: number; bytes: number }> {
  const file = await open(path, 'r');
  try {
    let [records, bytes] = [0, 0];
    for await (const { length } of recordsOf(file, 0, Number.POSITIVE_INFINITY)) {
      records += 1;
      bytes += length;
    }
    return { records, bytes };
  } finally {
    await file.close();
  }
}

const chunkBytes = 256 * 1024;

/** The records of a file from `from` on, up to `to` or the first one that is not whole. */
export async function* recordsOf(file: FileHandle, from: number, to: number) {
  let at = from;
  let wanted = chunkBytes;
  while (at < to) {
    const chunk = Buffer.allocUnsafe(Math.min(wanted, to - at));
    const { bytesRead } = await file.read(chunk, 0, chunk.byteLength, at);
    const read = chunk.subarray(0, bytesRead);
    let used = 0;
    let decoded = decodeRecord(read, used, mostRecordBytes);
    for (; decoded.t === 'record'; decoded = decodeRecord(read, used, mostRecordBytes)) {
      used += decoded.bytes;
      yield { event: decoded.event, length: decoded.bytes };
    }
    if (decoded.t === 'broken' || bytesRead < chunk.byteLength) return;
    // A record that is larger than the rest of this chunk, or than any chunk.
    if (used === 0 && chunk.byteLength >= to - at) return;
    wanted = Math.max(chunkBytes, decoded.bytes);
    at += used;
  }
}
