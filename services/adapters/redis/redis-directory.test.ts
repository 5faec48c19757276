import { directoryConformance } from '../../ports/directory.conformance.ts';
import { openFixture, shared } from './testing/open-directory.ts';
import { RedisCluster } from './testing/redis-cluster.ts';
import { RedisServer } from './testing/redis-server.ts';

const single = shared(() => RedisServer.start());
const cluster = shared(() => RedisCluster.start());

directoryConformance('the directory on Redis', async () => openFixture((await single()).url));
directoryConformance('the directory on a cluster of Redis', async () => openFixture((await cluster()).url));
