import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askRedis } from '../../../test/engines/redis-server.ts';
import { redis } from '../../../test/engines/shared.ts';
import { ada, garden, node, revocation, session } from '../../ports/directory-conformance/fixture.ts';
import type { DirectoryConfig, RedisDirectory } from './redis-directory.ts';
import { config, openDirectory } from './testing/open-directory.ts';

/** What is in Redis is what counts: changed there by hand, past all code of ours, it changes what the directory says. */

async function open(): Promise<{
  readonly directory: RedisDirectory;
  readonly configured: DirectoryConfig;
  /** A command for a key of this test: `hand('DEL', 'nodes:{message}')`. */
  readonly hand: (command: string, key: string, ...args: string[]) => Promise<unknown>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}> {
  const place = await redis();
  const configured = config(place.url, { keyPrefix: place.prefix });
  const directory = await openDirectory(configured);
  return {
    directory,
    configured,
    hand: (command, key, ...args) => askRedis(place.port, command, `${place.prefix}:${key}`, ...args),
    async [Symbol.asyncDispose]() {
      await directory.close();
      await place[Symbol.asyncDispose]();
    },
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
  const stands = revocation({ endsAtMs });
  await directory.revocations.revoke(stands);
  await hand('HSET', 'revoked:{ada}', '', `${stands.issuedUntilMs + 5}:${endsAtMs}`);
  const [longer] = await directory.revocations.of(ada);
  assert.equal(longer?.issuedUntilMs, stands.issuedUntilMs + 5);
  // Gone from both places, nobody who comes new knows of it.
  await hand('DEL', 'revoked:{ada}');
  await hand('DEL', 'revocations');
  const fresh = await openDirectory(opened.configured);
  assert.deepEqual(await fresh.revocations.of(ada), []);
  await fresh.close();
});

test('revocations of one device, of whose times the later ones are written', async () => {
  await using opened = await open();
  const { directory, hand } = opened;
  const first = revocation({ deviceId: 'phone' });
  const second = { ...first, issuedUntilMs: first.issuedUntilMs + 5, endsAtMs: first.endsAtMs - 5 };
  const both = `${second.issuedUntilMs}:${first.endsAtMs}`;
  for (const each of [first, second, first]) await directory.revocations.revoke(each);
  // Not merely what this node has heard of before.
  assert.equal(await hand('HGET', 'revoked:{ada}', 'phone'), both);
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
  const page = { epoch: 'e', convId: garden, page: 3, projectedSeq: 9 };
  const key = 'page:{garden}:e:3:9';
  const get = async () => (await directory.pages.get([page]))[0]?.toString();
  await directory.pages.put([{ key: page, rows: Buffer.from('sealed') }]);
  assert.ok(Number(await hand('PTTL', key)) > 0);
  await hand('SET', key, 'other');
  assert.equal(await get(), 'other');
  await hand('DEL', key);
  assert.equal(await get(), undefined);
});
