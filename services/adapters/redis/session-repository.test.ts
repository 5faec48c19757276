import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger as log } from '../../core/log.ts';
import { RedisMeters } from './meters.ts';
import { RedisConnection } from './redis-connection.ts';
import { parseRedisUrl } from './redis-url.ts';
import { sessionRepository } from './session-repository.ts';
import { ownPrefix, shared } from './testing/open-directory.ts';
import { RedisServer } from './testing/redis-server.ts';

const server = shared(() => RedisServer.start());
const entity = { user: 'ada', device: 'phone', node: 'edge', session: 7, since: 1_700_000_000_123 };

async function open() {
  const redis = await server();
  const connection = new RedisConnection({
    ...{ target: parseRedisUrl(redis.url), sentinelPassword: '', name: 'test', random: Math.random },
    ...{ commandTimeoutMs: 1_000, maxPending: 100, log, meters: new RedisMeters() },
  });
  assert.ok(await connection.whenReady(10_000));
  const schema = ownPrefix();
  const repository = sessionRepository({ connection, schema, ttlMs: 60_000 });
  return {
    repository,
    ask: (command: string, ...args: string[]) => redis.ask(command, `${schema}:one`, ...args),
    [Symbol.dispose]: () => connection.close(),
  };
}

test('an entity expires from its first moment on, and after each replacement', async () => {
  using opened = await open();
  const { repository, ask } = opened;
  for (const device of ['phone', 'tablet']) {
    await repository.save('one', { ...entity, device });
    const ttlMs = Number(await ask('PTTL'));
    assert.ok(ttlMs > 0 && ttlMs <= 60_000, `${ttlMs}`);
  }
});

test('an entity is a hash of plain fields, and comes back as it was', async () => {
  using opened = await open();
  const { repository, ask } = opened;
  await repository.save('one', entity);
  assert.deepEqual(await ask('HGETALL'), Object.entries(entity).flat().map(String));
  const { user, device, node, session, since } = await repository.fetch('one');
  assert.deepEqual({ user, device, node, session, since }, entity);
  await repository.remove('one');
  assert.equal((await repository.fetch('one')).user, undefined);
});

test('a replacement leaves nothing of what was there', async () => {
  using opened = await open();
  const { repository, ask } = opened;
  await ask('HSET', 'left', 'over');
  await repository.save('one', entity);
  assert.equal(await ask('HEXISTS', 'left'), 0);
});
