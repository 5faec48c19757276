import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import {
  append,
  commit,
  conversation,
  createDirect,
  entry,
  failsWith,
} from '../../ports/message-store-conformance/samples.ts';
import { outboxConformance, type OutboxFixture } from '../../ports/outbox.conformance.ts';
import { TestDatabase } from './testing/database.ts';

const database = await TestDatabase.start();
after(() => database[Symbol.asyncDispose]());

/** Each run has the database open by itself, as it is in a cluster. */
outboxConformance('the store on MySQL', async (): Promise<OutboxFixture> => {
  const schema = await database.schema();
  const stack = new AsyncDisposableStack();
  return {
    as: async (incarnation) => stack.use(await database.open(schema, { incarnation: () => incarnation })),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
});

describe('the outbox on MySQL', () => {
  it('keeps nothing where nobody reads it', async () => {
    const schema = await database.schema();
    await using store = await database.open(schema, { outbox: false });
    await using admin = await database.admin(schema);
    const talk = conversation('d_talk');
    await commit(store, createDirect(talk));
    await commit(store, append(talk, [entry(2)]));
    assert.deepEqual(await admin.ask('SELECT * FROM outbox'), []);
    await admin.ask("UPDATE store_epoch SET epoch = 'restored'");
    await assert.rejects(commit(store, append(talk, [entry(3)])), failsWith('epoch'));
  });
});
