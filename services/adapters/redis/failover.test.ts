import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { until } from '../../../test/e2e/support/until.ts';
import { RedisCluster } from '../../../test/engines/redis-cluster.ts';
import { RedisSentinel } from '../../../test/engines/redis-sentinel.ts';
import type { RedisServer } from '../../../test/engines/redis-server.ts';
import type { UserId } from '../../core/ids.ts';
import { ada, bob, node, revocation } from '../../ports/directory-conformance/fixture.ts';
import type { RedisDirectory } from './redis-directory.ts';
import { everyVerb, patienceMs, rate } from './testing/every-verb.ts';
import { config, openDirectory, reached } from './testing/open-directory.ts';

describe('a master whose replica takes over', () => {
  it('is found by the sentinels', async () => {
    await using sentinel = await RedisSentinel.start();
    const directory = await openDirectory(config(sentinel.url));
    try {
      await directory.revocations.revoke(revocation());
      // What a master acknowledged is lost if it dies before its replica has it; here that is not the question.
      await until(
        async () => (await sentinel.master.ask('WAIT', '1', '1000')) === 1,
        () => 'the replica lags',
      );
      await sentinel.master.kill();
      await until(
        () => directory.meters.available === 0,
        () => 'nobody noticed',
      );
      await until(
        () =>
          directory.nodes.renew(node('one')).then(
            () => true,
            () => false,
          ),
        () => 'the replica is not used',
      );
      assert.equal((await directory.revocations.of(ada)).length, 1);
    } finally {
      await directory.close();
    }
  });

  it('gets back the revocations that it had not heard of: by sentinels', async () => {
    await using sentinel = await RedisSentinel.start();
    const configured = config(sentinel.url);
    const directory = await openDirectory(configured);
    try {
      await revokeFor(directory, ada);
      await until(
        async () => (await sentinel.master.ask('WAIT', '1', '1000')) === 1,
        () => 'the replica lags',
      );
      await behind(sentinel.master, sentinel.replica, () => revokeFor(directory, bob));
      await until(
        async () => (await sentinel.masterPort()) === sentinel.replica.port,
        () => 'no failover',
      );
      await holds(sentinel.replica, `${configured.keyPrefix}:revoked:{bob}`);
    } finally {
      await directory.close();
    }
  });

  it('gets back the revocations that it had not heard of: in a cluster', async () => {
    await using cluster = await RedisCluster.start();
    const configured = config(cluster.url);
    const prefix = configured.keyPrefix;
    const holderOf = async (key: string): Promise<RedisServer | undefined> =>
      cluster.masterOf(Number(await cluster.servers[0]?.ask('CLUSTER', 'KEYSLOT', key)));
    // One that nothing is asked of at each look: no command finds out by itself that it is gone.
    const looked = await Promise.all([`${prefix}:revocations`, `${prefix}:revocations-born`].map(holderOf));
    const master = cluster.servers.find((server) => !looked.includes(server));
    assert.ok(master);
    await using replica = await cluster.replicaOf(master);
    const directory = await openDirectory(configured);
    try {
      const users = Array.from({ length: 100 }, (_, at) => `user-${at}` as UserId);
      const keyOf = (user: UserId): string => `${prefix}:revoked:{${user}}`;
      const holders = await Promise.all(users.map((user) => holderOf(keyOf(user))));
      const there = users.find((_, at) => holders[at] === master);
      assert.ok(there);
      await behind(master, replica, () => revokeFor(directory, there));
      await until(
        async () => String(await replica.ask('ROLE')).startsWith('master'),
        () => 'no failover',
      );
      await holds(replica, keyOf(there));
    } finally {
      await directory.close();
    }
  });
});

/** Revokes, and waits until the directory has heard of it itself. */
async function revokeFor({ revocations }: RedisDirectory, userId: UserId): Promise<void> {
  const told: string[] = [];
  const end = revocations.onRevoked((each) => told.push(each.userId));
  await revocations.revoke(revocation({ userId }));
  await until(
    () => told.includes(userId),
    () => 'nobody was told',
  );
  end();
}

/** A master that does something which its replica does not hear of, and dies. */
async function behind(master: RedisServer, replica: RedisServer, act: () => Promise<void>): Promise<void> {
  replica.freeze();
  await master.ask('CLIENT', 'KILL', 'TYPE', 'replica');
  await act();
  await master.kill();
  replica.thaw();
}

function holds(server: RedisServer, key: string): Promise<void> {
  return until(
    async () => (await server.ask('EXISTS', key).catch(() => 0)) === 1,
    () => 'it was not written again',
  );
}

describe('a cluster of which a master is away', () => {
  it('fails what it holds, serves the rest as the cluster itself does, and is whole again', async () => {
    await using cluster = await RedisCluster.start();
    const directory = await openDirectory(config(cluster.url));
    try {
      const users = Array.from({ length: 30 }, (_, at) => `user ${at}`);
      const takes = () => Promise.all(users.map((user) => directory.rates.take(rate, user)));
      assert.deepEqual([...new Set(await takes())], [0]);
      const [, second] = cluster.servers;
      assert.ok(second);
      await second.kill();
      // Every limit of a part that is away lets pass, and nothing hangs.
      await until(
        async () => (await takes()).includes(0),
        () => 'nothing fails',
      );
      assert.equal(Object.values(await everyVerb(directory)).includes('hung'), false);
      await second.restart();
      await cluster.formed();
      await reached(directory);
      await until(
        async () => (await takes()).every((wait) => wait > 0),
        () => 'a part is not served',
      );
      second.freeze();
      for (let i = 0; i < 3; i++) {
        assert.equal(Object.values(await everyVerb(directory)).includes('hung'), false);
        const answered = await Promise.race([takes(), pause(patienceMs, 'hung', { ref: false })]);
        assert.notEqual(answered, 'hung');
      }
      second.thaw();
      await cluster.formed();
      await until(
        async () => (await takes()).every((wait) => wait > 0),
        () => 'a part is not served',
      );
    } finally {
      await directory.close();
    }
  });
});
