import assert from 'node:assert/strict';
import { after, it } from 'node:test';
import type { ConvNo, UserId } from '../../core/ids.ts';
import { type CursorRow, StoreError } from '../../ports/message-store.ts';
import { commit, conversation, createDirect } from '../../ports/message-store-conformance/samples.ts';
import { TestDatabase } from './testing/database.ts';

const database = await TestDatabase.start();
after(() => database[Symbol.asyncDispose]());

/** A store that signs in as one who may write to its tables, but not to a server that is read-only. */
async function open(user: string) {
  const schema = await database.schema();
  const admin = await database.admin(schema);
  await admin.ask(`CREATE USER ${user}@'127.0.0.1';GRANT ALL ON ${schema}.* TO ${user}@'127.0.0.1'`);
  const url = `mysql://${user}@127.0.0.1:${database.port}/${schema}`;
  const store = await database.open(schema, { config: database.config(schema, { url }) });
  return {
    store,
    admin,
    again: () => database.open(schema, { config: database.config(schema, { url }) }),
    connections: async () =>
      (
        await admin.ask(`SELECT id FROM information_schema.processlist WHERE user = '${user}' ORDER BY id`)
      ).map(([id]) => Number(id)),
    async [Symbol.asyncDispose]() {
      await admin.ask('SET GLOBAL read_only = OFF');
      await store.close();
      await admin[Symbol.asyncDispose]();
    },
  };
}

const cursor: CursorRow = {
  convNo: 1n as ConvNo,
  userId: 'ada' as UserId,
  deliveredSeq: 1,
  readSeq: 1,
  readOrd: 1,
};

const refused = (error: unknown): boolean => error instanceof StoreError && error.kind === 'unavailable';
const readOnly = (error: unknown): boolean => refused(error) && /read_only is ON/.test(String(error));

it('a server that became read-only is left by all sessions, and none is opened to it', async () => {
  await using opened = await open('leaving');
  const { store, admin, connections } = opened;
  const work = async (name: string): Promise<void> => {
    assert.deepEqual(await commit(store, createDirect(conversation(`d_${name}`))), ['committed']);
    await store.leaseWorker('holder', 1_000, 2_000);
    await store.readEpoch();
    await store.raiseCursors([cursor]);
  };
  await work('before');
  const before = await connections();
  assert.ok(before.length >= 3, `${before}`);
  await admin.ask('SET GLOBAL read_only = ON');
  // The first of them learns it by a write, the others are not asked any more.
  await assert.rejects(store.leaseWorker('holder', 2_000, 3_000), refused);
  await assert.rejects(store.readEpoch(), readOnly);
  await assert.rejects(store.leaseWorker('holder', 2_000, 3_000), readOnly);
  await admin.ask('SET GLOBAL read_only = OFF');
  await work('after');
  const after = await connections();
  assert.deepEqual(
    after.filter((id) => before.includes(id)),
    [],
    `it goes on with some of ${before}`,
  );
});

it('a server that is read-only is not opened', async () => {
  await using opened = await open('coming');
  await opened.admin.ask('SET GLOBAL read_only = ON');
  await assert.rejects(opened.again(), readOnly);
});
