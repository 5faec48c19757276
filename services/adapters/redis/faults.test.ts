import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { until } from '../../../test/e2e/support/until.ts';
import { systemClock } from '../../core/clock.ts';
import { silentLogger } from '../../core/log.ts';
import { ada, bob, node, revocation } from '../../ports/directory-conformance/fixture.ts';
import { RedisDirectory } from './redis-directory.ts';
import { away, everyVerb, page, rate } from './testing/every-verb.ts';
import { config, openDirectory, reached } from './testing/open-directory.ts';
import { RedisServer } from '../../../test/engines/redis-server.ts';

describe('a Redis in trouble', () => {
  let server: RedisServer;
  let directory: RedisDirectory;
  let prefix: string;

  beforeEach(async () => {
    server = await RedisServer.start();
    const configured = config(server.url);
    prefix = configured.keyPrefix;
    directory = await openDirectory(configured);
  });
  afterEach(async () => {
    await directory.close();
    await server[Symbol.asyncDispose]();
  });

  it('killed: verbs fail, limits let pass, caches are empty; all works again when it is back', async () => {
    await server.kill();
    for (let i = 0; i < 3; i++) assert.deepEqual(await everyVerb(directory), away);
    await until(
      () => directory.meters.available === 0,
      () => 'nobody noticed',
    );
    assert.ok(directory.meters.ratesUnchecked >= 3);
    await server.restart();
    await reached(directory);
    assert.equal(directory.meters.available, 1);
    const { renew, take, revoke } = await everyVerb(directory);
    assert.deepEqual({ renew, take, revoke }, { renew: 'held', take: 0, revoke: undefined });
    assert.ok((await directory.rates.take(rate, 'ada')) > 0);
  });

  it('restarted again and again: nothing hangs, and nothing is thrown where nobody catches it', async () => {
    for (let i = 0; i < 10; i++) {
      const verbs = [everyVerb(directory), server.kill(), everyVerb(directory)];
      await Promise.all(verbs);
      await Promise.all([server.restart(), everyVerb(directory)]);
      const said = Object.values(await everyVerb(directory));
      assert.equal(said.includes('hung'), false);
    }
    await reached(directory);
    await nothingPending(directory);
  });

  it('frozen for seconds: verbs fail in time, and it is used again when it goes on', async () => {
    await directory.nodes.renew(node('one'));
    server.freeze();
    try {
      const endMs = performance.now() + 4_000;
      while (performance.now() < endMs) assert.deepEqual(await everyVerb(directory), away);
      await nothingPending(directory);
    } finally {
      server.thaw();
    }
    await reached(directory);
    assert.equal((await everyVerb(directory)).renew, 'held');
  });

  it('I6: so many commands wait for a frozen one at most; further ones are refused at once', async () => {
    const narrow = await openDirectory({ ...config(server.url), maxPending: 100 });
    server.freeze();
    try {
      const { refused } = narrow.meters;
      const takes = Array.from({ length: 500 }, (_, at) => narrow.rates.take(rate, `user ${at}`));
      assert.ok(narrow.meters.pending <= 100, `${narrow.meters.pending}`);
      assert.deepEqual([...new Set(await Promise.all(takes))], [0]);
      assert.ok(narrow.meters.refused - refused >= 400);
    } finally {
      server.thaw();
      await narrow.close();
    }
  });

  it('I6: so many bytes of pages are on their way to a frozen one at most', async () => {
    server.freeze();
    try {
      const rows = new Uint8Array(4_096);
      const pages = Array.from({ length: 1_000 }, (_, at) => ({ key: { ...page, page: at }, rows }));
      const before = directory.meters.pagesDropped;
      await directory.pages.put(pages);
      assert.equal(directory.meters.pagesDropped - before, 1_000 - 1_048_576 / 4_096);
    } finally {
      server.thaw();
    }
  });

  it('flushed and restarted at once: the generation is another, and scripts are there again', async () => {
    await directory.nodes.renew(node('one'));
    const before = await directory.nodes.list('message');
    await server.ask('FLUSHALL');
    await server.ask('SCRIPT', 'FLUSH');
    const flushed = await directory.nodes.list('message');
    assert.deepEqual(flushed.nodes, []);
    assert.notEqual(flushed.generation, before.generation);
    assert.equal(await directory.nodes.renew(node('one')), 'held');
    const registered = await directory.nodes.list('message');
    assert.deepEqual(registered.nodes, [node('one')]);
    assert.notEqual(registered.generation, before.generation);
    await server.restart();
    await reached(directory);
    assert.notEqual((await directory.nodes.list('message')).generation, registered.generation);
  });

  it('emptied: revocations that nodes know of are written again, and told', async () => {
    const [whole, phone] = [revocation(), revocation({ userId: bob, deviceId: 'phone' })];
    const told: string[] = [];
    directory.revocations.onRevoked(({ userId }) => told.push(userId));
    await directory.revocations.revoke(whole);
    await directory.revocations.revoke(phone);
    await until(
      () => told.length >= 2,
      () => 'nobody was told',
    );
    await server.ask('FLUSHALL');
    // Not even for the moment until it is written again.
    assert.deepEqual(await directory.revocations.of(ada), [whole]);
    await server.kill();
    await server.restart();
    await until(
      async () => (await server.ask('EXISTS', `${prefix}:revoked:{bob}`)) === 1,
      () => 'it was not written again',
    );
    // A node that never heard of them before.
    const fresh = await openDirectory({ ...config(server.url), keyPrefix: prefix });
    try {
      await until(
        async () => (await fresh.revocations.of(ada)).length === 1,
        () => 'it was not written again',
      );
      assert.deepEqual(await fresh.revocations.of(ada), [whole]);
      assert.deepEqual(await fresh.revocations.of(bob), [phone]);
    } finally {
      await fresh.close();
    }
    await until(
      () => told.length >= 4,
      () => `told ${told.join(', ')}`,
    );
  });

  it('killed and back with its last snapshot: what was revoked since then is written again', async () => {
    await using snapshots = await RedisServer.start({ persistent: false, settings: ['--save', '3600', '1'] });
    const configured = config(snapshots.url);
    const there = await openDirectory(configured);
    try {
      const told: string[] = [];
      there.revocations.onRevoked(({ userId }) => told.push(userId));
      const [first, last] = [revocation(), revocation({ userId: bob })];
      await there.revocations.revoke(first);
      await snapshots.ask('SAVE');
      await there.revocations.revoke(last);
      await until(
        () => told.includes(bob),
        () => 'nobody was told',
      );
      await snapshots.kill();
      await snapshots.restart();
      const lostKey = `${configured.keyPrefix}:revoked:{bob}`;
      await until(
        async () => (await snapshots.ask('EXISTS', lostKey)) === 1,
        () => 'it was not written again',
      );
      // A node that never heard of them before.
      const fresh = await openDirectory(configured);
      try {
        assert.deepEqual(await fresh.revocations.of(ada), [first]);
        assert.deepEqual(await fresh.revocations.of(bob), [last]);
      } finally {
        await fresh.close();
      }
    } finally {
      await there.close();
    }
  });

  it('gone: revocations heard of before still stand', async () => {
    const stands = revocation();
    const told: string[] = [];
    directory.revocations.onRevoked(({ userId }) => told.push(userId));
    await directory.revocations.revoke(stands);
    await until(
      () => told.length > 0,
      () => 'nobody was told',
    );
    await server.kill();
    await until(
      () => directory.meters.available === 0,
      () => 'nobody noticed',
    );
    assert.deepEqual(await directory.revocations.of(ada), [stands]);
    assert.deepEqual(await directory.revocations.of(bob), []);
  });

  it('revocations made while a node could not hear of them reach it when it is back', async () => {
    const configured = { ...config(server.url), keyPrefix: prefix };
    const told: string[] = [];
    directory.revocations.onRevoked(({ userId, deviceId }) => told.push(`${userId} ${deviceId}`));
    await directory.revocations.revoke(revocation({ deviceId: 'first' }));
    await until(
      () => told.includes('ada first'),
      () => 'nobody was told',
    );
    // Both of its connections are cut, and what another one writes meanwhile it only finds by looking.
    await server.kill();
    await server.restart();
    const other = await openDirectory(configured);
    await other.revocations.revoke(revocation({ deviceId: 'second' }));
    await other.close();
    await until(
      () => told.includes('ada second'),
      () => `told ${told.join(', ')}`,
    );
  });
});

describe('a Redis that is not there at first', () => {
  it('is used once it is', async () => {
    await using server = await RedisServer.start();
    await server.kill();
    const parts = { config: config(server.url), clock: systemClock, random: Math.random };
    const directory = new RedisDirectory({ ...parts, log: silentLogger });
    try {
      assert.deepEqual(await everyVerb(directory), away);
      // Nothing was ever heard: whether somebody is revoked is not known.
      await assert.rejects(directory.revocations.of(ada), { kind: 'unavailable' });
      await server.restart();
      await reached(directory);
      assert.equal((await everyVerb(directory)).renew, 'held');
    } finally {
      await directory.close();
    }
  });
});

/** Nothing is left behind: what the directory itself asks now and then ends, too. */
function nothingPending({ meters }: RedisDirectory): Promise<void> {
  return until(
    () => meters.pending === 0,
    () => `${meters.pending} commands wait`,
  );
}
