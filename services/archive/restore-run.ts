import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { BackupHead, BackupTarget } from '../ports/store-backup.ts';
import { ArchiveError } from './archive-error.ts';
import type { BackupStart } from './backup-frames.ts';
import { readBackup } from './backup-reader.ts';
import type { Progress } from './progress.ts';

const chunkBytes = 1024 * 1024;

export interface BackupSummary {
  readonly head: BackupStart;
  readonly rows: number;
  readonly bytes: number;
  readonly sha256: string;
}

/** Reads a backup from its first byte to its last. Rejects with an ArchiveError that says what is wrong with it. */
export async function surveyBackup(file: string, progress: Progress): Promise<BackupSummary> {
  const { size } = await stat(file);
  progress.begin('reading the backup', size, 'bytes');
  let head: BackupStart | undefined;
  for await (const frame of readBackup(createReadStream(file, { highWaterMark: chunkBytes }))) {
    progress.advance(frame.raw.byteLength);
    if (frame.t === 'head') head = frame.head;
    if (frame.t !== 'end' || head === undefined) continue;
    progress.end();
    return { head, rows: frame.rows, bytes: size, sha256: frame.sha256.toString('hex') };
  }
  throw new RangeError('a backup ends with its end');
}

/**
 * Makes a store out of a backup, which is read whole before the store is begun. Resolves with the epoch. Rejects with an
 * ArchiveError or a StoreError that says what is wrong; then there is no store, and the same command may be given again.
 */
export async function restoreBackup(o: {
  readonly file: string;
  readonly openTarget: (head: BackupHead) => Promise<BackupTarget>;
  readonly nowMs: () => number;
  readonly progress: Progress;
}): Promise<BackupSummary & { readonly epoch: string }> {
  const { file, openTarget, nowMs, progress } = o;
  const summary = await surveyBackup(file, progress);
  // Ids carry the time: one drawn by a clock that is behind could be one that the lost store gave out.
  if (nowMs() < summary.head.createdAtMs)
    throw new ArchiveError(
      `the clock of this machine is wrong: the backup was made at ${new Date(summary.head.createdAtMs).toISOString()}, which is yet to come`,
    );
  await using target = await openTarget(summary.head);
  progress.begin('restoring', summary.rows, 'rows');
  for await (const frame of readBackup(createReadStream(file, { highWaterMark: chunkBytes }))) {
    if (frame.t !== 'rows') continue;
    await target.write(frame.page);
    progress.advance(frame.page.rows);
  }
  progress.end();
  return { ...summary, epoch: await target.finish() };
}
