import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { until } from '../../../test/e2e/support/until.ts';
import { RedisCluster } from '../../../test/engines/redis-cluster.ts';
import { RedisSentinel } from '../../../test/engines/redis-sentinel.ts';
import { ada, node, revocation } from '../../ports/directory-conformance/fixture.ts';
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
});

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
