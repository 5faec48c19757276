import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import {
  type CommitBatch,
  type CommitOutcome,
  type MessageStore,
  StoreError,
} from '../../ports/message-store.ts';
import {
  append,
  batch,
  clientKey,
  commit,
  conversation,
  createDirect,
  entry,
  failsWith,
  log,
  type SampleConversation,
} from '../../ports/message-store-conformance/samples.ts';
import { CutProxy } from './testing/cut-proxy.ts';
import { TestDatabase } from './testing/database.ts';

const database = await TestDatabase.start();
after(() => database[Symbol.asyncDispose]());

async function throughProxy() {
  const schema = await database.schema();
  const proxy = await CutProxy.start(database.port);
  const url = `mysql://root@127.0.0.1:${proxy.port}/${schema}`;
  const store = await database.open(schema, { config: database.config(schema, { url }) });
  return {
    schema,
    proxy,
    store,
    async [Symbol.asyncDispose]() {
      await store.close();
      await proxy[Symbol.asyncDispose]();
    },
  };
}

describe('a connection that breaks at COMMIT', () => {
  it('leaves the outcome unknown; the identical batch finds out that it was committed', async () => {
    await using parts = await throughProxy();
    const { store, proxy } = parts;
    const talk = conversation('d_talk');
    await commit(store, createDirect(talk));
    const second = batch(store, append(talk, [entry(2, { clientKey: clientKey('two') }), entry(3)]));
    proxy.cut = 'afterAnswer';
    await assert.rejects(store.commit(second), failsWith('unknown'));
    assert.equal(proxy.cuts, 1);
    assert.equal((await log(store, talk)).length, 3, 'the database had committed it');
    assert.deepEqual(await store.commit(second), [{ t: 'committed' }]);
    assert.deepEqual(
      (await log(store, talk)).map(({ seq }) => seq),
      [1, 2, 3],
    );
  });

  it('leaves the outcome unknown; the identical batch is committed where nothing of it was', async () => {
    await using parts = await throughProxy();
    const { store, proxy } = parts;
    const talk = conversation('d_talk');
    const made = batch(store, createDirect(talk));
    proxy.cut = 'beforeRequest';
    await assert.rejects(store.commit(made), failsWith('unknown'));
    assert.equal(proxy.cuts, 1);
    assert.deepEqual(await store.load([talk.convId]), [undefined]);
    assert.deepEqual(await store.commit(made), [{ t: 'committed' }]);
    assert.equal((await log(store, talk))[0]?.msgId, made.conversations[0]?.entries[0]?.msgId);
  });

  it('fences the identical batch where another owner was faster meanwhile', async () => {
    await using parts = await throughProxy();
    const { store, proxy } = parts;
    const talk = conversation('d_talk');
    await commit(store, createDirect(talk));
    const mine = batch(store, append(talk, [entry(2)]));
    proxy.cut = 'beforeRequest';
    await assert.rejects(store.commit(mine), failsWith('unknown'));
    await commit(store, append(talk, [entry(2)]));
    assert.deepEqual(await store.commit(mine), [{ t: 'fenced', duplicates: [] }]);
  });

  it('is the end of a KILLed connection, too', async () => {
    const schema = await database.schema();
    await using store = await database.open(schema);
    await using admin = await database.admin(schema);
    const talk = conversation('d_talk');
    await commit(store, createDirect(talk));
    await admin.ask(
      `START TRANSACTION;SELECT * FROM message WHERE conv_no = ${talk.convNo} AND seq >= 1 FOR UPDATE`,
    );
    const second = batch(store, append(talk, [entry(2)]));
    const result = assert.rejects(store.commit(second), (error) => error instanceof StoreError);
    await admin.ask(`KILL CONNECTION ${await admin.lockWait()}`);
    await result;
    await admin.ask('ROLLBACK');
    assert.deepEqual(await store.commit(second), [{ t: 'committed' }]);
  });
});

/** Like the owner: writes the identical batch until it is known what became of it. */
async function settle(store: MessageStore, one: CommitBatch): Promise<readonly CommitOutcome[]> {
  for (;;) {
    try {
      return await store.commit(one);
    } catch (error) {
      if (!(error instanceof StoreError) || (error.kind !== 'unknown' && error.kind !== 'unavailable'))
        throw error;
    }
  }
}

describe('a database that is killed in the middle of commits', () => {
  it('has everything that was acknowledged when it is back, each once and in order', async () => {
    const schema = await database.schema();
    await using store = await database.open(schema);
    const talks = Array.from({ length: 8 }, (_, at) => conversation(`d_${at}`));
    await commit(store, ...talks.map((talk) => createDirect(talk)));
    const acknowledged = new Map<SampleConversation, bigint[]>(talks.map((talk) => [talk, []]));
    const enough = 40;
    let inFlight = 0;
    let killed = false;
    let inDoubt = 0;
    const write = async (talk: SampleConversation) => {
      for (let seq = 2; seq <= enough + 1; seq += 1) {
        const one = batch(
          store,
          append(talk, [entry(seq, { clientKey: clientKey(`${talk.convId} ${seq}`) })]),
        );
        inFlight += 1;
        try {
          await store.commit(one);
        } catch (error) {
          if (!(error instanceof StoreError)) throw error;
          inDoubt += 1;
          assert.ok(killed, error.message);
          await back.promise;
          assert.deepEqual(await settle(store, one), [{ t: 'committed' }]);
        } finally {
          inFlight -= 1;
        }
        acknowledged.get(talk)?.push(one.conversations[0]?.entries[0]?.msgId ?? 0n);
        if (!killed && total() >= 60 && inFlight > 0) {
          killed = true;
          void database
            .down('SIGKILL')
            .then(() => database.up())
            .then(back.resolve, back.reject);
        }
      }
    };
    const back = Promise.withResolvers<void>();
    const total = () => [...acknowledged.values()].reduce((sum, ids) => sum + ids.length, 0);
    await Promise.all(talks.map(write));
    assert.ok(inDoubt > 0, 'it was killed while commits were under way');
    for (const talk of talks) {
      const stored = await log(store, talk);
      assert.deepEqual(
        stored.map(({ seq }) => seq),
        Array.from({ length: enough + 1 }, (_, at) => at + 1),
      );
      assert.deepEqual(
        stored.slice(1).map(({ msgId }) => msgId),
        acknowledged.get(talk),
      );
    }
    assert.deepEqual((await store.check()).problems, []);
  });
});

describe('a lease of a worker number', () => {
  it('is not taken over from somebody whose own has been replicated in between', async () => {
    await using parts = await throughProxy();
    const { store, proxy, schema } = parts;
    // Of the numbers, one is left; which of several would be drawn nobody knows.
    await using other = await database.admin(schema);
    await other.ask("UPDATE worker_lease SET holder = 'others', reserved_until = 9000 WHERE worker <> 1");
    // What replication does: it changes a row that nobody has locked here.
    proxy.before = {
      text: 'UPDATE worker_lease',
      async run() {
        await using admin = await database.admin(schema);
        await admin.ask("UPDATE worker_lease SET holder = 'others', reserved_until = 9000 WHERE worker = 1");
        await admin.ask("UPDATE worker_lease SET holder = '', reserved_until = 0 WHERE worker = 2");
      },
    };
    const { worker } = await store.leaseWorker('mine', 1_000, 2_000);
    assert.equal(proxy.before, undefined);
    assert.equal(worker, 2);
  });
});
