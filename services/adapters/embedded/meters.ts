import type { StoreEvent } from './events.ts';

/** What the store counts, in plain numbers: telemetry reads them when it is asked. */
export class StoreMeters {
  /** Reads that the store's thread has in hand, and those that wait for it. */
  reads = 0;
  readsWaiting = 0;
  /** Writes handed to the store's thread and not answered yet. */
  writes = 0;
  /** Calls refused because a queue was full. */
  overloads = 0;
  /** Writes that failed; each is followed by a reopening. */
  failedWrites = 0;
  /** 1 while commits are accepted, 0 while they are refused. */
  accepting = 1;

  take(event: StoreEvent): void {
    if (event.t === 'writeFailed') this.failedWrites += 1;
    this.accepting = event.t === 'recovered' ? 1 : 0;
  }
}
