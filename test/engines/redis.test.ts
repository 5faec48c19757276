import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Cluster, Redis } from 'ioredis';
import { until } from '../e2e/support/until.ts';
import { RedisCluster } from './redis-cluster.ts';
import { RedisSentinel } from './redis-sentinel.ts';
import { RedisServer } from './redis-server.ts';

describe('Redis', () => {
  it('is the same when it comes back: killed, frozen or restarted', async () => {
    await using server = await RedisServer.start();
    // Asked for a sync, the file has it before the answer.
    await server.ask('CONFIG', 'SET', 'appendfsync', 'always');
    await server.ask('SET', 'key', 'value');
    await server.kill();
    await assert.rejects(server.ask('PING'));
    await server.restart();
    assert.equal(await server.ask('GET', 'key'), 'value');
    server.freeze();
    await assert.rejects(server.ask('GET', 'key'));
    server.thaw();
    assert.equal(await server.ask('GET', 'key'), 'value');
  });

  it('comes back empty where it is not to keep anything', async () => {
    await using server = await RedisServer.start({ persistent: false });
    await server.ask('SET', 'key', 'value');
    await server.restart();
    assert.equal(await server.ask('GET', 'key'), null);
  });
});

describe('Redis Cluster', () => {
  it('spreads keys over three masters, refuses while one is away, and forms again', async () => {
    await using cluster = await RedisCluster.start();
    const client = new Cluster(cluster.nodes);
    try {
      for (let i = 0; i < 30; i += 1) await client.set(`key${i}`, `${i}`);
      const sizes = await Promise.all(cluster.servers.map((server) => server.ask('DBSIZE')));
      assert.equal(
        sizes.map(Number).reduce((sum, size) => sum + size),
        30,
      );
      assert.ok(
        sizes.every((size) => Number(size) > 0),
        `${sizes}`,
      );
    } finally {
      client.disconnect();
    }
    const [first, second] = cluster.servers;
    await first!.kill();
    await until(
      async () => String(await second!.ask('CLUSTER', 'INFO')).includes('cluster_state:fail'),
      () => 'the cluster does without a third of its slots',
    );
    await first!.restart();
    await cluster.formed();
  });
});

describe('Redis Sentinel', () => {
  it('promotes the replica when the master is killed; its data is there', async () => {
    await using sentinel = await RedisSentinel.start();
    const client = new Redis({
      sentinels: [{ host: '127.0.0.1', port: sentinel.port }],
      name: sentinel.name,
    });
    client.on('error', () => {});
    try {
      await client.set('key', 'value');
      // Resolves with the number of replicas that have it.
      assert.equal(await client.wait(1, 10_000), 1);
      await sentinel.master.kill();
      await until(
        async () => (await sentinel.masterPort()) === sentinel.replica.port,
        () => 'no failover',
      );
      assert.equal(await client.get('key'), 'value');
    } finally {
      client.disconnect();
    }
  });
});
