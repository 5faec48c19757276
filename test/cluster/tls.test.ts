import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../e2e/support/until.ts';
import { freePort } from '../engines/free-port.ts';
import { Authority } from '../helpers/certificates.ts';
import { Clients, settled } from './support/clients.ts';
import { Cluster } from './support/cluster.ts';

const envOf = ({ cert, key, ca }: { cert: string; key: string; ca: string }) => ({
  PARLEY_LINK_TLS_CERT: cert,
  PARLEY_LINK_TLS_KEY: key,
  PARLEY_LINK_TLS_CA: ca,
});

test('a cluster by mutual TLS is one chat, and takes no node of another authority', async () => {
  await using authority = await Authority.make();
  await using another = await Authority.make();
  for (const name of ['m1', 'm2', 'g1', 'e1', 'c2', 'b2']) await authority.sign(name);
  await another.sign('b2');
  const port = await freePort();
  await using cluster = await Cluster.start({
    roles: {
      m1: 'message',
      m2: 'message',
      g1: 'group',
      e1: 'bridge,connection',
      c2: 'connection',
      b2: 'bridge',
    },
    envOf: (name): Readonly<Record<string, string>> => ({
      ...envOf(authority.files(name)),
      ...(name === 'c2' && { PARLEY_NODE_PORT: `${port}` }),
      ...(name === 'b2' && { PARLEY_UPSTREAM: `https://127.0.0.1:${port}` }),
    }),
  });
  await using clients = new Clients(cluster);
  const [ann, bob] = [await clients.online('ann', 'e1'), await clients.online('bob', 'b2')];
  const { groupId } = await ann.groups.create('Team', ['bob']);
  ann.send(groupId, 'ann 0');
  bob.send(groupId, 'bob 0');
  await settled(cluster, groupId, [ann, bob], ['ann 0', 'bob 0']);
  const b2 = cluster.get('b2');
  await b2.drain();
  await b2.start({ ...envOf(another.files('b2')), PARLEY_LINK_TLS_CA: authority.files('ca').ca });
  await until(
    () => cluster.get('c2').output.includes('"event.action":"link-refused"'),
    () => `c2 refused nobody: ${cluster.get('c2').output}`,
  );
  assert.match(cluster.get('c2').output, /UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO/);
});
