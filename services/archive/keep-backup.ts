import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { syncDirectory } from '../core/sync-files.ts';
import { readBackup } from './backup-reader.ts';
import type { Progress } from './progress.ts';

export interface KeepBackupOptions {
  readonly chunks: AsyncIterable<Buffer>;
  /** Made where it isn't there. */
  readonly directory: string;
  /** How many backups stay in the directory, the new one included; undefined for all. */
  readonly keep: number | undefined;
  readonly nowMs: () => number;
  readonly progress: Progress;
}

export interface KeptBackup {
  readonly file: string;
  readonly bytes: number;
  readonly rows: number;
  readonly sha256: string;
  /** Older ones that were removed. */
  readonly removed: readonly string[];
}

const named = /^parley-\d{8}T\d{9}Z\.backup$/;
const draftNamed = /^\.parley-\d{8}T\d{9}Z\.\d+\.draft$/;
/** A draft that nobody has written to for so long is one of a backup that was killed. */
const draftMs = 3_600_000;

/**
 * Writes a backup into a file of its own, `parley-20261129T013500000Z.backup`, checking it as it comes. It gets its name
 * when it is whole and on the disk; then older ones go. Rejects with an ArchiveError, or what the system says; no file is
 * left then.
 */
export async function keepBackup(o: KeepBackupOptions): Promise<KeptBackup> {
  const { directory, nowMs } = o;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await removeDrafts(directory, nowMs());
  const stamp = new Date(nowMs()).toISOString().replaceAll(/[-:.]/g, '');
  const draft = path.join(directory, `.parley-${stamp}.${process.pid}.draft`);
  const file = path.join(directory, `parley-${stamp}.backup`);
  let written: Pick<KeptBackup, 'bytes' | 'rows' | 'sha256'>;
  try {
    written = await writeDraft(draft, o);
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  await syncDirectory(directory);
  const removed = o.keep === undefined ? [] : await removeOld(path.basename(file), o);
  return { file, ...written, removed };
}

async function writeDraft(draft: string, { chunks, progress }: KeepBackupOptions) {
  const handle = await open(draft, 'wx', 0o600);
  let bytes = 0;
  try {
    for await (const frame of readBackup(chunks)) {
      if (frame.t === 'head') progress.begin('backing up', frame.head.bytes, 'bytes');
      await writeAll(handle, frame.raw);
      bytes += frame.raw.byteLength;
      progress.advance(frame.raw.byteLength);
      if (frame.t !== 'end') continue;
      await handle.sync();
      progress.end();
      return { bytes, rows: frame.rows, sha256: frame.sha256.toString('hex') };
    }
  } finally {
    await handle.close();
  }
  throw new RangeError('a backup ends with its end');
}

async function writeAll(handle: FileHandle, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.byteLength; ) at += (await handle.write(bytes, at)).bytesWritten;
}

/** Names sort by time, as clocks said: where one was ahead, the newest is not the last. What was just made stays. */
async function removeOld(made: string, { directory, keep = 1 }: KeepBackupOptions): Promise<string[]> {
  const others = (await readdir(directory)).filter((name) => named.test(name) && name !== made).toSorted();
  const old = others.slice(0, Math.max(0, others.length - (keep - 1)));
  for (const name of old) await rm(path.join(directory, name));
  return old;
}

async function removeDrafts(directory: string, nowMs: number): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!draftNamed.test(name)) continue;
    const draft = path.join(directory, name);
    const { mtimeMs } = await stat(draft);
    if (nowMs - mtimeMs > draftMs) await rm(draft, { force: true });
  }
}
