import assert from 'node:assert/strict';
import { after, it } from 'node:test';
import { silentLogger } from '../../core/log.ts';
import { KeyRing } from '../../core/seal.ts';
import { firstKey } from '../../ports/message-store-conformance/fixture.ts';
import {
  batch,
  commit,
  conversation,
  createDirect,
  entry,
  failsWith,
  log,
  stored,
} from '../../ports/message-store-conformance/samples.ts';
import { Commits } from './commits.ts';
import { Database } from './database.ts';
import { PacketThread } from './packet-thread.ts';
import { Names, Seals } from './seals.ts';
import { TestDatabase } from './testing/database.ts';

const database = await TestDatabase.start();
after(() => database[Symbol.asyncDispose]());

const fields = { unnamed: [], incarnation: 'test', outbox: true, maxPacketBytes: 1 << 20 };

it('a thread that has ended refuses, also what it had in hand', async () => {
  const thread = new PacketThread([firstKey], silentLogger);
  const made = { epoch: 'e', batchId: 1n, conversations: [createDirect(conversation('d_talk'))] };
  const [packet] = await thread.packets(made, fields);
  assert.match(packet ?? '', /^ROLLBACK;START TRANSACTION;INSERT INTO outbox .*;COMMIT$/);
  const closed = thread.close();
  await assert.rejects(thread.packets(made, fields), failsWith('unavailable'));
  await closed;
  assert.equal(thread.alive, false);
  await assert.rejects(thread.packets(made, fields), failsWith('unavailable'));
});

it('commits go on without the thread', async () => {
  const schema = await database.schema();
  await using store = await database.open(schema);
  const own = await Database.open({ config: database.config(schema), requireDurable: true });
  const thread = new PacketThread([firstKey], silentLogger);
  await thread.close();
  const commits = new Commits({
    database: own,
    seals: new Seals(new KeyRing([firstKey])),
    names: new Names(),
    thread,
    epoch: () => store.epoch,
    incarnation: () => 'test',
    outbox: false,
    random: Math.random,
    meters: { writes: 0, failedWrites: 0, contended: 0, accepting: 1 },
    failpoints: undefined,
  });
  const talk = conversation('d_talk');
  const entries = Array.from({ length: 300 }, (_, at) => entry(at + 1));
  assert.deepEqual(await commits.commit(batch(store, createDirect(talk, entries))), [{ t: 'committed' }]);
  assert.deepEqual(
    await log(store, talk),
    entries.map((each) => stored(each)),
  );
  assert.deepEqual(await commit(store, createDirect(talk)), ['fenced']);
  await own.close();
});
