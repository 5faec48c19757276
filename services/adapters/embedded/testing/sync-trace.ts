/**
 * Reads what `strace -f -e trace=write,fdatasync,fsync,openat` saw of a process that ran with a trace descriptor: lines
 * `commit <batch> <entries>` before each synced write, lines `ack <batch> <entries>` after each acknowledgement.
 */
export interface SyncReport {
  readonly acks: number;
  /** Batches acknowledged without a sync of LevelDB's log that began after their entries were handed to it. */
  readonly unsynced: readonly string[];
}

export function unsyncedAcks(trace: string): SyncReport {
  /** Descriptors of LevelDB's logs. */
  const logs = new Set<string>();
  /** Entries of batches that were begun and not yet synced. */
  const begun = new Map<string, string>();
  const synced = new Map<string, string>();
  /** Threads inside a sync of a log, with the batches whose bytes were in the log when it began. */
  const syncing = new Map<string, Map<string, string>>();
  const written = new Set<string>();
  const unsynced: string[] = [];
  let acks = 0;

  for (const line of trace.split('\n')) {
    const [thread = ''] = line.split(' ', 1);
    const opened = /openat\(.*?"[^"]*\/\d+\.log".*= (\d+)/.exec(line);
    if (opened?.[1] !== undefined) logs.add(opened[1]);
    const mark = /write\(\d+, "(commit|ack) (\d+)([^"\\]*)/.exec(line);
    if (mark !== null) {
      const [, what, batch = '', entries = ''] = mark;
      if (what === 'commit') begun.set(batch, entries);
      else {
        acks += 1;
        if (synced.get(batch) !== entries) unsynced.push(batch);
      }
      continue;
    }
    const call = /\b(write|fdatasync|fsync)\((\d+)/.exec(line);
    if (call !== null && logs.has(call[2] ?? '')) {
      if (call[1] === 'write') for (const batch of begun.keys()) written.add(batch);
      else {
        const covered = new Map([...begun].filter(([batch]) => written.has(batch)));
        if (line.includes('<unfinished')) syncing.set(thread, covered);
        else if (line.endsWith('= 0')) settle(covered);
      }
      continue;
    }
    if (/<\.\.\. f(data)?sync resumed>.*= 0$/.test(line)) {
      settle(syncing.get(thread) ?? new Map());
      syncing.delete(thread);
    }
  }
  return { acks, unsynced };

  function settle(covered: ReadonlyMap<string, string>): void {
    for (const [batch, entries] of covered) {
      synced.set(batch, entries);
      begun.delete(batch);
    }
  }
}
