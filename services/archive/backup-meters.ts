/** What becomes of a backup: it is `kept` on a disk, `failed`, or `refused` before the first row. */
export const backupResults = ['kept', 'failed', 'refused'] as const;
type BackupResult = (typeof backupResults)[number];

/** What a server counts of the backups that are taken from it, in plain numbers: telemetry reads them. */
export class BackupMeters {
  /** By what became of them. */
  readonly results = new Map<BackupResult, number>();
  /** Bytes sent. */
  bytes = 0;
  /** When the last one was kept, in seconds since 1970; 0 before the first since the start. */
  lastKeptAtSeconds = 0;

  count(result: BackupResult): void {
    this.results.set(result, (this.results.get(result) ?? 0) + 1);
  }
}
