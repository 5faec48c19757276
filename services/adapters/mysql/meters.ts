import type { CommitMeters } from './commits.ts';
import type { Database } from './database.ts';

/** What the store counts, in plain numbers: telemetry reads them when it is asked. */
export class MySqlMeters implements CommitMeters {
  /** Commits in hand, those that wait for a connection included. */
  writes = 0;
  failedWrites = 0;
  contended = 0;
  /** 0 after a commit that failed, 1 again after one that worked. */
  accepting = 1;
  /** Pages of history in the cache that nodes share which were not what they said. */
  unsoundPages = (): number => 0;
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  get reads(): number {
    return this.#database.reads.running;
  }

  get readsWaiting(): number {
    return this.#database.reads.waiting;
  }

  /** Calls refused because they found a queue full, or waited in it for too long. */
  get overloads(): number {
    return this.#database.overloads;
  }
}
