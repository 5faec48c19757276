import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedStore, openEmbeddedStore } from '../../services/adapters/embedded/embedded-store.ts';

const masterKeys = [{ id: 1, key: Buffer.alloc(32, 'a key of tests') }];
/** Tests don't fill the disk. */
const reserveBytes = 4_096;

/** An embedded store in a directory of its own, which goes with it. */
export class TempStore implements AsyncDisposable {
  readonly directory: string;
  store: EmbeddedStore;

  private constructor(directory: string, store: EmbeddedStore) {
    this.directory = directory;
    this.store = store;
  }

  /** `failpoints` as in Failpoints.parse; they are gone when it is opened again. */
  static async open(failpoints = ''): Promise<TempStore> {
    const directory = await mkdtemp(join(tmpdir(), 'parley-store-'));
    return new TempStore(
      directory,
      await openEmbeddedStore({ directory, masterKeys, reserveBytes, failpoints }),
    );
  }

  /** Closes the store and opens it again, as a restart does. */
  async reopen(): Promise<EmbeddedStore> {
    await this.store.close();
    this.store = await openEmbeddedStore({ directory: this.directory, masterKeys, reserveBytes });
    return this.store;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.close();
    await rm(this.directory, { recursive: true, force: true });
  }
}
