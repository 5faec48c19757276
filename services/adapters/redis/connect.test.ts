import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { RedisCluster } from '../../../test/engines/redis-cluster.ts';

const script = fileURLToPath(new URL('testing/hang-up-early.ts', import.meta.url));

test('a cluster that is hung up on while it is asked who serves what keeps no process alive', async () => {
  await using cluster = await RedisCluster.start();
  // Rejects where it takes longer.
  await promisify(execFile)(process.execPath, [script, cluster.url], { timeout: 20_000 });
});
