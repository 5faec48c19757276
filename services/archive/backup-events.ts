import type { Logger } from '../core/log.ts';
import type { BackupMeters } from './backup-meters.ts';

/** What a server tells of the backups that are taken from it. */
export class BackupEvents {
  readonly #log: Logger;
  readonly #meters: BackupMeters;
  readonly #nowMs: () => number;

  constructor(o: { readonly log: Logger; readonly meters: BackupMeters; readonly nowMs: () => number }) {
    this.#log = o.log;
    this.#meters = o.meters;
    this.#nowMs = o.nowMs;
  }

  begun(estimatedBytes: number): void {
    this.#log.info('a backup begins', { 'event.action': 'backup-begun', 'parley.bytes': estimatedBytes });
  }

  kept(bytes: number): void {
    this.#meters.count('kept');
    this.#meters.lastKeptAtSeconds = Math.floor(this.#nowMs() / 1000);
    this.#log.info('a backup is on the disk', { 'event.action': 'backup-kept', 'parley.bytes': bytes });
  }

  refused(error: unknown): void {
    this.#meters.count('refused');
    this.#log.warn('a backup is refused', { 'event.action': 'backup-refused' }, error);
  }

  failed(error: unknown): void {
    this.#meters.count('failed');
    this.#log.warn('a backup was not finished', { 'event.action': 'backup-failed' }, error);
  }

  unreachable(path: string): void {
    this.#log.warn(
      'no backups while the server runs: the path of the data directory is too long for a socket',
      {
        'event.action': 'backup-door-closed',
        'file.path': path,
      },
    );
  }
}
