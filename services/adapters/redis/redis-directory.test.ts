import { RedisCluster } from '../../../test/engines/redis-cluster.ts';
import { RedisSentinel } from '../../../test/engines/redis-sentinel.ts';
import { redis } from '../../../test/engines/shared.ts';
import { directoryConformance } from '../../ports/directory.conformance.ts';
import { openFixture, shared } from './testing/open-directory.ts';

const cluster = shared(() => RedisCluster.start());
const sentinel = shared(() => RedisSentinel.start());

directoryConformance('the directory on Redis', async () => {
  const place = await redis();
  return openFixture(place.url, { keyPrefix: place.prefix, after: place });
});
directoryConformance('the directory on a cluster of Redis', async () => openFixture((await cluster()).url));
directoryConformance('the directory by way of a sentinel', async () => openFixture((await sentinel()).url));
