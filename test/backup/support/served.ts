import path from 'node:path';
import { type EmbeddedStore, openEmbeddedStore } from '../../../services/adapters/embedded/embedded-store.ts';
import { BackupDoor } from '../../../services/archive/backup-door.ts';
import { systemClock } from '../../../services/core/clock.ts';
import { type Logger, silentLogger } from '../../../services/core/log.ts';
import { firstKey } from '../../../services/ports/message-store-conformance/fixture.ts';
import { Directory, masterKeys } from '../../archive/support/stores.ts';

/** A store in use, and the door at which its backups are asked for. */
export class Served implements AsyncDisposable {
  readonly store: EmbeddedStore;
  readonly door: BackupDoor;
  readonly #directory: Directory;

  private constructor(directory: Directory, store: EmbeddedStore, door: BackupDoor) {
    this.#directory = directory;
    this.store = store;
    this.door = door;
  }

  static async start(o: { readonly bytesPerSecond?: number; readonly log?: Logger } = {}): Promise<Served> {
    const directory = await Directory.make();
    const at = directory.in('store');
    const store = await openEmbeddedStore({ directory: at, masterKeys: [firstKey], reserveBytes: 4_096 });
    const door = new BackupDoor({
      source: store,
      path: path.join(at, 'backup.sock'),
      bytesPerSecond: o.bytesPerSecond ?? 0,
      clock: systemClock,
      log: o.log ?? silentLogger,
    });
    await door.start();
    return new Served(directory, store, door);
  }

  get path(): string {
    return this.#directory.path;
  }

  get socket(): string {
    return this.#directory.in('store/backup.sock');
  }

  /** For the commands of `parley`. */
  get env(): Readonly<Record<string, string>> {
    return { PARLEY_DATA_DIR: this.path, PARLEY_MASTER_KEYS: masterKeys };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.door.stop();
    await this.store.close();
    await this.#directory[Symbol.asyncDispose]();
  }
}
