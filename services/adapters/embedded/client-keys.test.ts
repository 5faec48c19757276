import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, it } from 'node:test';
import { clientKey } from '../../ports/message-store-conformance/samples.ts';
import { ClientKeyFilter } from './client-keys.ts';
import { Database } from './database.ts';
import { clientKeyKey } from './keys.ts';
import { Reserve } from './reserve.ts';
import { StoreDirectory } from './testing/store-directory.ts';

async function fixture() {
  const directory = await StoreDirectory.make();
  const database = await Database.open({
    directory: `${directory.path}/leveldb`,
    reserve: new Reserve(`${directory.path}/reserve`, 4_096),
    cacheBytes: 1 << 20,
    createIfMissing: true,
    onEvent: () => {},
  });
  return {
    database,
    [Symbol.asyncDispose]: async () => {
      await database.close();
      await directory[Symbol.asyncDispose]();
    },
  };
}

const absent = clientKeyKey(1n, clientKey('absent'));
const keys = Array.from({ length: 3_000 }, (_, at) => clientKeyKey(BigInt(at % 7), clientKey(`${at}`)));

async function complete(filter: ClientKeyFilter): Promise<void> {
  while (filter.mayHave(absent)) await turn();
}

describe('the filter over client keys', () => {
  it('knows those on disk and those added while it was filled', async () => {
    await using store = await fixture();
    const [onDisk, added] = [keys.slice(0, 2_000), keys.slice(2_000)];
    const batch = store.database.level.batch();
    for (const key of onDisk) batch.put(key, Buffer.alloc(8));
    await batch.write();
    const filter = await ClientKeyFilter.begin(store.database);
    for (const key of added) filter.add(key);
    await complete(filter);
    for (const key of keys) assert.equal(filter.mayHave(key), true);
    await filter.stop();
  });

  it('is filled to the end though the store is reopened meanwhile', async () => {
    await using store = await fixture();
    const batch = store.database.level.batch();
    for (const key of keys) batch.put(key, Buffer.alloc(8));
    await batch.write();
    const filter = await ClientKeyFilter.begin(store.database);
    store.database.failed(new Error('a write failed'));
    await store.database.readable(60_000);
    await complete(filter);
    for (const key of keys) assert.equal(filter.mayHave(key), true);
    await filter.stop();
  });

  it('can be stopped before it is complete', async () => {
    await using store = await fixture();
    const filter = await ClientKeyFilter.begin(store.database);
    await filter.stop();
    assert.equal(filter.mayHave(absent), true);
  });
});
