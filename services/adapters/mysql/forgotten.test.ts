import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { StoreError } from '../../ports/message-store.ts';
import { Relay } from '../../push/testing/relay.ts';
import { TestDatabase } from './testing/database.ts';

const database = await TestDatabase.start();
after(() => database[Symbol.asyncDispose]());

/** A store that is connected to its database by something which may forget connections and tell nobody. */
async function open() {
  const schema = await database.schema();
  const relay = await Relay.to(database.port);
  const url = `mysql://root@127.0.0.1:${relay.port}/${schema}`;
  const store = await database.open(schema, {
    config: database.config(schema, { url, readTimeoutMs: 1_000 }),
  });
  return {
    store,
    relay,
    async [Symbol.asyncDispose]() {
      await store.close();
      await relay[Symbol.asyncDispose]();
    },
  };
}

const unanswered = (error: unknown): boolean =>
  error instanceof StoreError && /did not answer within/.test(error.message);

it('where connections are forgotten while they are idle, reads are asked again, and one wait is enough for all', async () => {
  await using opened = await open();
  const { store, relay } = opened;
  await Promise.all(Array.from({ length: 4 }, () => store.readEpoch()));
  await store.leaseWorker('holder', 1_000, 2_000);
  // So long that they count as idle.
  await pause(1_100);
  relay.freeze();
  assert.equal(await store.readEpoch(), store.epoch);
  // Writes are never asked again: it would fail on a connection of before.
  await store.leaseWorker('holder', 2_000, 3_000);
});

it('a database that was asked a moment ago and answers no more is not asked twice', async () => {
  await using opened = await open();
  const { store, relay } = opened;
  await store.readEpoch();
  relay.freeze();
  await assert.rejects(store.readEpoch(), unanswered);
});

it('idle connections are kept alive in less time than networks take to forget them', async () => {
  await using opened = await open();
  await opened.store.readEpoch();
  const { stdout } = await promisify(execFile)('ss', ['-tnoH', `dport = :${opened.relay.port}`]);
  const timers = stdout.trim().split('\n');
  assert.ok(timers.length > 0);
  for (const timer of timers) assert.match(timer, /timer:\(keepalive,(?:30|[12]?\d)(?:\.\d+)?sec,/);
});
