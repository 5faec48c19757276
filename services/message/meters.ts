/** What a message node counts, in plain numbers: telemetry reads them when it is asked. */
export class MessageMeters {
  /** Commands by kind. */
  readonly processed = new Map<string, number>();
  refused = 0;
  fenceLost = 0;
  /** Commands that were handed on to their conversation's owner. */
  handedOn = 0;
  /** Times that the store turned out to be restored. */
  resets = 0;
  /** Confirmed entries that it did not have any more then. */
  entriesLost = 0;
  batches = 0;
  entries = 0;
  /** Told the size of every committed batch. */
  onBatch: (entries: number) => void = () => {};

  count(kind: string): void {
    this.processed.set(kind, (this.processed.get(kind) ?? 0) + 1);
  }

  batch(entries: number): void {
    this.batches += 1;
    this.entries += entries;
    this.onBatch(entries);
  }
}
