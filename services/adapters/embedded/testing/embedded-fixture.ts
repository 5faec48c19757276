import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ConvNo, Seq } from '../../../core/ids.ts';
import {
  firstKey,
  type SampleKey,
  type StoreFixture,
} from '../../../ports/message-store-conformance/fixture.ts';
import { type EmbeddedStore, openEmbeddedStore } from '../embedded-store.ts';
import { entryKey } from '../keys.ts';
import { openLevel } from '../level.ts';
import { decodeEntryRow, encodeEntryRow } from '../rows.ts';
import { levelDirectory } from '../store-thread.ts';

/** A store of a test's own, in a directory of its own. */
export class EmbeddedFixture implements StoreFixture {
  readonly #directory: string;
  store: EmbeddedStore;
  #keys: readonly SampleKey[] = [firstKey];

  private constructor(directory: string, store: EmbeddedStore) {
    this.#directory = directory;
    this.store = store;
  }

  static async open(): Promise<EmbeddedFixture> {
    const directory = await mkdtemp(path.join(tmpdir(), 'parley-store-'));
    return new EmbeddedFixture(directory, await openAt(directory, [firstKey]));
  }

  async reopen(masterKeys = this.#keys): Promise<void> {
    await this.store.close();
    this.store = await openAt(this.#directory, masterKeys);
    this.#keys = masterKeys;
  }

  async holds(bytes: Uint8Array): Promise<boolean> {
    await this.store.close();
    const names = await readdir(this.#directory, { recursive: true, withFileTypes: true });
    const files = names.filter((name) => name.isFile());
    const found = await Promise.all(
      files.map(async (file) =>
        (await readFile(path.join(file.parentPath, file.name))).includes(Buffer.from(bytes)),
      ),
    );
    await this.reopen();
    return found.includes(true);
  }

  async exchangeBodies(convNo: ConvNo, one: Seq, other: Seq): Promise<void> {
    await this.store.close();
    const level = await openLevel(path.join(this.#directory, levelDirectory), {
      cacheBytes: 1 << 20,
      createIfMissing: false,
    });
    const [oneRow, otherRow] = [one, other].map((seq) => {
      const value = level.getSync(entryKey(convNo, seq));
      if (value === undefined) throw new Error(`no entry ${seq}`);
      return decodeEntryRow(value);
    });
    if (oneRow === undefined || otherRow === undefined) throw new Error('unreachable');
    await level
      .batch()
      .put(entryKey(convNo, one), encodeEntryRow({ ...oneRow, sealed: otherRow.sealed }))
      .put(entryKey(convNo, other), encodeEntryRow({ ...otherRow, sealed: oneRow.sealed }))
      .write();
    await level.close();
    await this.reopen();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.close();
    await rm(this.#directory, { recursive: true });
  }
}

function openAt(directory: string, masterKeys: readonly SampleKey[]): Promise<EmbeddedStore> {
  return openEmbeddedStore({ directory, masterKeys, reserveBytes: 4_096 });
}
