import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { firstKey } from '../../../ports/message-store-conformance/fixture.ts';
import { type EmbeddedStore, type EmbeddedStoreOptions, openEmbeddedStore } from '../embedded-store.ts';
import { type Level, openLevel } from '../level.ts';
import { levelDirectory } from '../store-thread.ts';

/** A data directory of a test's own, gone afterwards. */
export class StoreDirectory implements AsyncDisposable {
  readonly path: string;

  private constructor(directory: string) {
    this.path = directory;
  }

  static async make(): Promise<StoreDirectory> {
    return new StoreDirectory(await mkdtemp(path.join(tmpdir(), 'parley-store-')));
  }

  open(options: Partial<EmbeddedStoreOptions> = {}): Promise<EmbeddedStore> {
    return openEmbeddedStore({
      directory: this.path,
      masterKeys: [firstKey],
      // A test that is not about full disks needs no space set aside.
      reserveBytes: 4_096,
      ...options,
    });
  }

  /** LevelDB itself, while no store is open. */
  openLevel(): Promise<Level & AsyncDisposable> {
    return openLevel(path.join(this.path, levelDirectory), { cacheBytes: 1 << 20, createIfMissing: false });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return rm(this.path, { recursive: true });
  }
}
