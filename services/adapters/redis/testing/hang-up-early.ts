import { once } from 'node:events';
import { Cluster } from 'ioredis';
import { connectRedis, hangUp } from '../connect.ts';
import { parseRedisUrl } from '../redis-url.ts';

/** A process that hangs up on a cluster of Redis the moment it asks who serves what; it ends when nothing keeps it. */
const client = connectRedis({
  target: parseRedisUrl(process.argv[2] ?? ''),
  sentinelPassword: '',
  sentinelTls: 'on',
  caFile: '',
  commandTimeoutMs: 1_000,
  name: 'test',
  random: Math.random,
});
await once(client, 'ready');
if (!(client instanceof Cluster)) throw new Error('this is no cluster');
const ask = client.refreshSlotsCache.bind(client);
client.refreshSlotsCache = (told) => {
  client.refreshSlotsCache = ask;
  ask(told);
  hangUp(client);
};
// Long enough for it to ask; its own timers need not keep a process.
setTimeout(() => {}, 3_000);
