import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until as eventually } from '../e2e/support/until.ts';
import { RedisCluster } from '../engines/redis-cluster.ts';
import { RedisSentinel } from '../engines/redis-sentinel.ts';
import { Clients, pause, settled, talk, until } from './support/clients.ts';
import { Cluster } from './support/cluster.ts';
import { deskToken } from './support/tokens.ts';

/** Nodes on more than a single Redis. What the directory itself promises there, its own suite tries. */

async function start(url: string): Promise<Cluster> {
  return Cluster.start({ redisUrl: url, env: { PARLEY_SESSION_TTL_MS: '6000' } });
}

/** Until both edges say that a user has so many sessions. */
async function counted(cluster: Cluster, userId: string, sessions: number): Promise<void> {
  for (const edge of ['e1', 'e2']) {
    let said = '';
    await eventually(
      async () => {
        const ids = { user_ids: [userId] };
        said = await (await cluster.ask(edge, '/api/v1/presence/sessions', await deskToken(), ids)).text();
        return said.includes(`"sessions":${sessions}`);
      },
      () => said,
    );
  }
}

/** Chats while something happens, and while both message nodes are killed after it, one after the other. */
async function chatThrough(cluster: Cluster, happening: () => Promise<void>): Promise<void> {
  await using clients = new Clients(cluster);
  const [ann, bob] = [await clients.online('ann', 'e1'), await clients.online('bob', 'e2')];
  await counted(cluster, 'ann', 1);
  const { groupId } = await ann.groups.create('Team', ['bob']);
  const stops = [talk(ann, groupId, 20), talk(bob, groupId, 20)];
  await pause(ann, groupId, 50);
  await happening();
  await counted(cluster, 'bob', 1);
  for (const victim of ['m1', 'm2']) {
    await cluster.get(victim).kill();
    await pause(ann, groupId, 50);
    await cluster.get(victim).start();
    await pause(ann, groupId, 50);
  }
  await settled(
    cluster,
    groupId,
    [ann, bob],
    stops.flatMap((stop) => stop()),
  );
  const answer = await cluster.ask('e1', '/api/v1/tokens/revoke', await deskToken(), { user_id: 'bob' });
  assert.ok(answer.ok, await answer.text());
  await until(bob, () => bob.state.t === 'ended');
  await counted(cluster, 'bob', 0);
}

describe('nodes find each other, and share what they know,', () => {
  test('in a Redis Cluster of which a master goes and comes back', async () => {
    await using redis = await RedisCluster.start();
    await using cluster = await start(redis.url);
    await chatThrough(cluster, async () => {
      const [, second] = redis.servers;
      assert.ok(second !== undefined);
      await second.restart();
      await redis.formed();
    });
  });

  test('by way of a sentinel that makes another one the master', async () => {
    await using redis = await RedisSentinel.start();
    await using cluster = await start(redis.url);
    await chatThrough(cluster, async () => {
      const former = redis.master.port;
      await redis.master.kill();
      await eventually(
        async () => (await redis.masterPort()) !== former,
        () => redis.output,
      );
    });
  });
});
