import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { until } from '../../../test/e2e/support/until.ts';
import { RedisCluster } from '../../../test/engines/redis-cluster.ts';
import { RedisServer } from '../../../test/engines/redis-server.ts';
import { node } from '../../ports/directory-conformance/fixture.ts';
import { config, openDirectory } from './testing/open-directory.ts';

const script = fileURLToPath(new URL('testing/hang-up-early.ts', import.meta.url));

test('a cluster that is hung up on while it is asked who serves what keeps no process alive', async () => {
  await using cluster = await RedisCluster.start();
  // Rejects where it takes longer.
  await promisify(execFile)(process.execPath, [script, cluster.url], { timeout: 20_000 });
});

test('a master that became a replica is left for the one that its address leads to now', async () => {
  await using former = await RedisServer.start();
  await using present = await RedisServer.start();
  let leadsTo = former.port;
  await using address = createServer((client) => {
    const redis = connect(leadsTo, '127.0.0.1');
    client.pipe(redis).pipe(client);
    for (const [one, other] of [[client, redis] as const, [redis, client] as const])
      one.on('error', () => {}).once('close', () => other.destroy());
  });
  address.listen(0, '127.0.0.1');
  await once(address, 'listening');
  const { port } = address.address() as AddressInfo;
  const directory = await openDirectory(config(`redis://127.0.0.1:${port}`));
  try {
    assert.equal(await directory.nodes.renew(node('one')), 'held');
    leadsTo = present.port;
    // Connections to the former master stay.
    await former.ask('REPLICAOF', '127.0.0.1', `${present.port}`);
    await until(
      () =>
        directory.nodes.renew(node('one')).then(
          () => true,
          () => false,
        ),
      () => 'it stays with the former master',
    );
    assert.deepEqual((await directory.nodes.list('message')).nodes, [node('one')]);
  } finally {
    await directory.close();
  }
});
