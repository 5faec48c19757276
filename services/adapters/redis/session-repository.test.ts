import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askRedis } from '../../../test/engines/redis-server.ts';
import { redis } from '../../../test/engines/shared.ts';
import { silentLogger as log } from '../../core/log.ts';
import { RedisMeters } from './meters.ts';
import { RedisConnection } from './redis-connection.ts';
import { parseRedisUrl } from './redis-url.ts';
import { sessionRepository } from './session-repository.ts';

const entity = { user: 'ada', device: 'phone', node: 'edge', session: 7, since: 1_700_000_000_123 };

async function open() {
  const place = await redis();
  const connection = new RedisConnection({
    ...{
      target: parseRedisUrl(place.url),
      sentinelPassword: '',
      sentinelTls: 'on',
      caFile: '',
      name: 'test',
      random: Math.random,
    },
    ...{ commandTimeoutMs: 1_000, maxPending: 100, log, meters: new RedisMeters() },
  });
  assert.ok(await connection.whenReady(10_000));
  const schema = place.prefix;
  const repository = sessionRepository({ connection, schema, ttlMs: 60_000 });
  return {
    repository,
    ask: (command: string, ...args: string[]) => askRedis(place.port, command, `${schema}:one`, ...args),
    async [Symbol.asyncDispose]() {
      connection.close();
      await place[Symbol.asyncDispose]();
    },
  };
}

test('an entity expires from its first moment on, and after each replacement', async () => {
  await using opened = await open();
  const { repository, ask } = opened;
  for (const device of ['phone', 'tablet']) {
    await repository.save('one', { ...entity, device });
    const ttlMs = Number(await ask('PTTL'));
    assert.ok(ttlMs > 0 && ttlMs <= 60_000, `${ttlMs}`);
  }
});

test('an entity is a hash of plain fields, and comes back as it was', async () => {
  await using opened = await open();
  const { repository, ask } = opened;
  await repository.save('one', entity);
  assert.deepEqual(await ask('HGETALL'), Object.entries(entity).flat().map(String));
  const { user, device, node, session, since } = await repository.fetch('one');
  assert.deepEqual({ user, device, node, session, since }, entity);
  await repository.remove('one');
  assert.equal((await repository.fetch('one')).user, undefined);
});

test('a replacement leaves nothing of what was there', async () => {
  await using opened = await open();
  const { repository, ask } = opened;
  await ask('HSET', 'left', 'over');
  await repository.save('one', entity);
  assert.equal(await ask('HEXISTS', 'left'), 0);
});
