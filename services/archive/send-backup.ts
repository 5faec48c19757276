import type { Clock } from '../core/clock.ts';
import type { Backup } from '../ports/store-backup.ts';
import { BackupEncoder } from './backup-frames.ts';

export interface SendBackupOptions {
  readonly backup: Backup;
  readonly clock: Clock;
  /** Rows are read no faster than this; 0 for as fast as they are taken. */
  readonly bytesPerSecond: number;
  readonly sleep: (ms: number) => Promise<void>;
}

/**
 * A backup as a stream of bytes. Paced, since whoever reads rows takes time from those who commit: after each page it waits
 * until that page was due.
 */
export async function* sendBackup(o: SendBackupOptions): AsyncGenerator<Buffer> {
  const { backup, clock, bytesPerSecond, sleep } = o;
  const encoder = new BackupEncoder();
  yield encoder.head({ ...backup.head, createdAtMs: clock.wallMs() });
  let dueMs = clock.monotonicMs();
  for (;;) {
    const page = await backup.next();
    if (page === undefined) break;
    yield encoder.rows(page);
    if (bytesPerSecond === 0) continue;
    // What a slow reader has left unused is not made up for.
    const nowMs = clock.monotonicMs();
    dueMs = Math.max(dueMs, nowMs - burstMs) + (1_000 * page.bytes.byteLength) / bytesPerSecond;
    if (dueMs > nowMs) await sleep(dueMs - nowMs);
  }
  yield encoder.end();
}

const burstMs = 100;
