import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from './database.ts';
import { KeyFilter } from './key-filter.ts';
import { table, tableRange } from './keys.ts';
import type { Level } from './level.ts';

// About what a row of the table takes on disk.
const rowBytes = 45;
const keysAtOnce = 512;
const retryAfterMs = 1_000;

/**
 * Which client keys there may be: a filter over the whole table, filled in the background after the start. It takes at
 * most half of the thread's time until it is complete; look-ups go to LevelDB meanwhile.
 */
export class ClientKeyFilter {
  readonly #filter: KeyFilter;
  readonly #filling: Promise<void>;
  readonly #stop = new AbortController();

  private constructor(database: Database, filter: KeyFilter) {
    this.#filter = filter;
    this.#filling = this.#fill(database);
  }

  static async begin(database: Database): Promise<ClientKeyFilter> {
    const { gte, lt } = tableRange(table.clientKey);
    const bytes = await database.level.approximateSize(gte, lt);
    return new ClientKeyFilter(database, new KeyFilter(bytes / rowBytes));
  }

  /** Every key that is about to be written has to be added before. */
  add(key: Buffer): void {
    this.#filter.add(key);
  }

  mayHave(key: Buffer): boolean {
    return this.#filter.mayHave(key);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#filling;
  }

  /** Goes on behind the last key after the store was reopened: what was written since has been added. */
  async #fill(database: Database): Promise<void> {
    const { gte, lt } = tableRange(table.clientKey);
    for (let from = gte; !this.#stop.signal.aborted; ) {
      try {
        for await (const keys of this.#parts(database.level, from, lt)) {
          for (const key of keys) this.#filter.add(key);
          from = keys.at(-1) ?? from;
        }
        if (!this.#stop.signal.aborted) this.#filter.complete();
        return;
      } catch {
        // The store is being reopened, or can't read this table at all: look again later.
        await sleep(retryAfterMs, undefined, { ref: false, signal: this.#stop.signal }).catch(
          () => undefined,
        );
      }
    }
  }

  async *#parts(level: Level, from: Buffer, lt: Buffer): AsyncGenerator<Buffer[]> {
    const iterator = level.keys({ gte: from, lt });
    try {
      while (!this.#stop.signal.aborted) {
        const began = performance.now();
        const keys = await iterator.nextv(keysAtOnce);
        if (keys.length === 0) return;
        yield keys;
        await sleep(performance.now() - began, undefined, { ref: false });
      }
    } finally {
      await iterator.close();
    }
  }
}
