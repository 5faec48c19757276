import { randomBytes } from 'node:crypto';
import type { Database } from './database.ts';
import { convKey, metaKey, table, tableRange } from './keys.ts';
import { decodeCursorRow, decodeHeadRow, encodeCursorRow } from './rows.ts';
import { epochName, type LevelBatch } from './schema.ts';

const cursorsAtOnce = 512;

/** The epoch of the store, as it stands on disk. One caller at a time. */
export class StoreEpoch {
  readonly #database: Database;
  current: string;

  constructor(database: Database, current: string) {
    this.#database = database;
    this.current = current;
  }

  /** See `MessageStore.renewEpoch`. */
  async renew(from: string): Promise<string> {
    if (from !== this.current) return this.current;
    this.#database.assertWritable();
    const epoch = randomBytes(16).toString('hex');
    await this.#write((batch) => batch.put(metaKey(epochName), Buffer.from(epoch)));
    this.current = epoch;
    await this.#cutCursors();
    return epoch;
  }

  async #cutCursors(): Promise<void> {
    const iterator = this.#database.level.iterator(tableRange(table.cursor));
    try {
      for (;;) {
        const rows = await iterator.nextv(cursorsAtOnce);
        if (rows.length === 0) return;
        await this.#write((batch) => {
          for (const [key, value] of rows) this.#cutCursor(batch, key, value);
        });
      }
    } finally {
      await iterator.close();
    }
  }

  #cutCursor(batch: LevelBatch, key: Buffer, value: Buffer): void {
    const row = decodeCursorRow(value);
    const found = this.#database.level.getSync(convKey(table.head, row.convNo));
    const head = found === undefined ? { seq: 0, ord: 0 } : decodeHeadRow(found);
    const deliveredSeq = Math.min(row.deliveredSeq, head.seq);
    if (row.readSeq <= head.seq && deliveredSeq === row.deliveredSeq) return;
    const readSeq = Math.min(row.readSeq, head.seq);
    const readOrd = row.readSeq > head.seq ? head.ord : row.readOrd;
    batch.put(key, encodeCursorRow({ ...row, deliveredSeq, readSeq, readOrd }));
  }

  async #write(fill: (batch: LevelBatch) => void): Promise<void> {
    const batch = this.#database.level.batch();
    fill(batch);
    try {
      await batch.write({ sync: true });
    } catch (cause) {
      throw this.#database.failed(cause);
    }
  }
}
