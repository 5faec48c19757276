import { StoreError } from '../../ports/message-store.ts';
import type { Backup, BackupHead, BackupPage } from '../../ports/store-backup.ts';
import { encodeRows } from './backup-rows.ts';
import type { Level } from './level.ts';
import { readSchema } from './schema.ts';

// Small, since the store's thread does nothing else while it makes a page of what was read.
const pageRows = 500;
const pageBytes = 128 * 1024;
/** The first and the last byte that a key may begin with. */
const allKeys = { gte: Buffer.of(0x00), lt: Buffer.of(0xff) };

type RowIterator = ReturnType<typeof iterate>;

/** A backup of LevelDB: an iterator stands on a snapshot of its own, and nobody who writes waits for it. */
export class LevelBackup implements Backup {
  readonly head: BackupHead;
  readonly #iterator: RowIterator;

  private constructor(head: BackupHead, iterator: RowIterator) {
    this.head = head;
    this.#iterator = iterator;
  }

  static async begin(level: Level): Promise<LevelBackup> {
    const { version, epoch } = readSchema(level);
    if (version === 0) throw new StoreError('unavailable', 'there is nothing in this store yet');
    // The snapshot is taken here, in the same turn in which the epoch was read.
    const iterator = iterate(level);
    const bytes = await level.approximateSize(allKeys.gte, allKeys.lt);
    return new LevelBackup({ layout: version, epoch, bytes }, iterator);
  }

  async next(): Promise<(BackupPage & { readonly bytes: Uint8Array<ArrayBuffer> }) | undefined> {
    const rows = await this.#iterator.nextv(pageRows);
    return rows.length === 0 ? undefined : { rows: rows.length, bytes: encodeRows(rows) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#iterator.close();
  }
}

function iterate(level: Level) {
  return level.iterator({ ...allKeys, highWaterMarkBytes: pageBytes });
}
