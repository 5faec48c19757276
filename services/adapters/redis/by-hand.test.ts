import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ada, garden, node, revocation, session } from '../../ports/directory-conformance/fixture.ts';
import type { RedisDirectory } from './redis-directory.ts';
import { config, openDirectory, shared } from './testing/open-directory.ts';
import { RedisServer } from './testing/redis-server.ts';

/** What is in Redis is what counts: changed there by hand, past all code of ours, it changes what the directory says. */

const server = shared(() => RedisServer.start());

async function open(): Promise<{
  readonly directory: RedisDirectory;
  /** A command for a key of this test: `hand('DEL', 'nodes:{message}')`. */
  readonly hand: (command: string, key: string, ...args: string[]) => Promise<unknown>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}> {
  const redis = await server();
  const configured = config(redis.url);
  const directory = await openDirectory(configured);
  return {
    directory,
    hand: (command, key, ...args) => redis.ask(command, `${configured.keyPrefix}:${key}`, ...args),
    [Symbol.asyncDispose]: () => directory.close(),
  };
}

test('node leases', async () => {
  await using opened = await open();
  const { directory, hand } = opened;
  await directory.nodes.renew(node('one', { incarnation: 5 }));
  assert.ok(Number(await hand('PTTL', 'node:{message}:one')) > 0);
  await hand('HSET', 'node:{message}:one', 'load', '0.75', 'address', 'elsewhere:1');
  assert.deepEqual((await directory.nodes.list('message')).nodes, [
    node('one', { incarnation: 5, load: 0.75, address: 'elsewhere:1' }),
  ]);
  await hand('HSET', 'node:{message}:one', 'incarnation', '6');
  assert.equal(await directory.nodes.renew(node('one', { incarnation: 5 })), 'superseded');
  await hand('DEL', 'node:{message}:one');
  assert.deepEqual((await directory.nodes.list('message')).nodes, []);
  await directory.nodes.renew(node('one'));
  await hand('HSET', 'node:{message}:one', 'load', 'heavy');
  assert.deepEqual((await directory.nodes.list('message')).nodes, []);
  assert.equal(directory.meters.malformed, 1);
});

test('sessions, which redis-om writes as hashes that expire', async () => {
  await using opened = await open();
  const { directory, hand } = opened;
  const key = 'session:{ada}:edge-1:1';
  await directory.sessions.put([session(1)]);
  assert.equal(await hand('TYPE', key), 'hash');
  assert.ok(Number(await hand('PTTL', key)) > 0);
  await directory.sessions.put([session(1)]);
  assert.ok(Number(await hand('PTTL', key)) > 0);
  await hand('HSET', key, 'device', 'another');
  assert.deepEqual(await directory.sessions.of(ada), [session(1, { deviceId: 'another' })]);
  await hand('HSET', key, 'since', 'yesterday');
  assert.deepEqual(await directory.sessions.of(ada), []);
  assert.equal(directory.meters.malformed, 1);
  await hand('DEL', key);
  assert.deepEqual(await directory.sessions.count([ada]), [0]);
  // What was lost is written again when it is put again.
  await directory.sessions.put([session(1)]);
  assert.deepEqual(await directory.sessions.of(ada), [session(1)]);
});

test('revocations', async () => {
  await using opened = await open();
  const { directory, hand } = opened;
  const { endsAtMs } = revocation();
  await hand('HSET', 'revoked:{ada}', 'phone', `17:${endsAtMs}`);
  assert.deepEqual(await directory.revocations.of(ada), [
    { userId: ada, deviceId: 'phone', issuedUntilMs: 17, endsAtMs },
  ]);
  await hand('HSET', 'revoked:{ada}', 'phone', 'nonsense');
  assert.deepEqual(await directory.revocations.of(ada), []);
  assert.equal(directory.meters.malformed, 1);
  await directory.revocations.revoke(revocation());
  await hand('DEL', 'revoked:{ada}');
  assert.deepEqual(await directory.revocations.of(ada), []);
});

test('rate limits', async () => {
  await using opened = await open();
  const { directory, hand } = opened;
  const limit = { name: 'test', perSecond: 0.001, burst: 1 };
  const take = () => directory.rates.take(limit, 'ada');
  assert.equal(await take(), 0);
  assert.ok(Number(await hand('PTTL', 'rate:test:{ada}')) > 0);
  assert.ok((await take()) > 0);
  await hand('DEL', 'rate:test:{ada}');
  assert.equal(await take(), 0);
  await hand('SET', 'rate:test:{ada}', '1');
  assert.equal(await take(), 0);
  // As a clock that was set back would leave it: nobody waits longer than the limit can ask for.
  await hand('SET', 'rate:test:{ada}', '9000000000000000');
  const wait = await take();
  assert.ok(wait > 0 && wait <= 1_000_000, `${wait}`);
});

test('pages', async () => {
  await using opened = await open();
  const { directory, hand } = opened;
  const page = { convId: garden, page: 3, projectedSeq: 9 };
  const key = 'page:{garden}:3:9';
  const get = async () => (await directory.pages.get([page]))[0]?.toString();
  await directory.pages.put([{ key: page, rows: Buffer.from('sealed') }]);
  assert.ok(Number(await hand('PTTL', key)) > 0);
  await hand('SET', key, 'other');
  assert.equal(await get(), 'other');
  await hand('DEL', key);
  assert.equal(await get(), undefined);
});
