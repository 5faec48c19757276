import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { ChatClient } from '../../sdk/types.ts';
import { until } from '../e2e/support/until.ts';
import { freePort } from '../engines/free-port.ts';
import { Authority } from '../helpers/certificates.ts';
import { Clients, pause, settled, talk } from './support/clients.ts';
import { Cluster } from './support/cluster.ts';

const envOf = ({ cert, key, ca }: { cert: string; key: string; ca: string }) => ({
  PARLEY_LINK_TLS_CERT: cert,
  PARLEY_LINK_TLS_KEY: key,
  PARLEY_LINK_TLS_CA: ca,
});
const roles = {
  m1: 'message',
  m2: 'message',
  g1: 'group',
  e1: 'bridge,connection',
  c2: 'connection',
  b2: 'bridge',
} as const;
const names = Object.keys(roles);
const taken = 'chat_certificate_reloads_total{listener="links",result="taken"}';

describe('a cluster by mutual TLS', () => {
  const stack = new AsyncDisposableStack();
  let authority: Authority;
  let cluster: Cluster;
  let all: ChatClient[];
  let groupId: string;

  before(async () => {
    authority = stack.use(await Authority.make());
    for (const name of names) await authority.sign(name);
    const port = await freePort();
    cluster = stack.use(
      await Cluster.start({
        roles,
        env: { PARLEY_TLS_REREAD_MS: '100' },
        envOf: (name): Readonly<Record<string, string>> => ({
          ...envOf(authority.files(name)),
          ...(name === 'c2' && { PARLEY_NODE_PORT: `${port}` }),
          ...(name === 'b2' && { PARLEY_UPSTREAM: `https://127.0.0.1:${port}` }),
        }),
      }),
    );
    const clients = stack.use(new Clients(cluster));
    all = [
      await clients.online('ann', 'e1'),
      await clients.online('bob', 'b2'),
      await clients.online('cid', 'c2', 'grpc'),
    ];
    ({ groupId } = await (all[0] as ChatClient).groups.create('Team', ['bob', 'cid']));
  });
  after(() => stack.disposeAsync());

  it('is one chat, in which all certificates and their authority are replaced, and no session is lost', async () => {
    await using next = await Authority.make();
    for (const name of names) await next.sign(name);
    const left: string[] = [];
    for (const client of all)
      client.onChange(() => {
        if (client.state.t !== 'online') left.push(`${client.userId}: ${JSON.stringify(client.state)}`);
      });
    const stops = all.map((client) => talk(client, groupId, 8));
    const replaced = async (times: number): Promise<void> => {
      for (const name of names)
        await until(
          async () => (await cluster.metric(name, taken)) >= times,
          () => `${name}: ${cluster.get(name).output}`,
        );
      await pause(all[0] as ChatClient, groupId, 100);
    };
    const { ca } = authority.files('ca');
    const [own, others] = [await readFile(ca, 'utf8'), await readFile(next.files('ca').ca, 'utf8')];
    await writeFile(ca, own + others);
    await replaced(1);
    for (const name of names) await authority.replace(name, name, next);
    await replaced(2);
    await writeFile(ca, others);
    await replaced(3);
    assert.deepEqual(left, [], 'a session was lost');
    // Links that are made now know nothing of the former authority.
    const m2 = cluster.get('m2');
    await m2.drain();
    await m2.start();
    await cluster.formed();
    for (const name of names)
      assert.equal(cluster.get(name).output.includes('link-refused'), false, cluster.get(name).output);
    await settled(
      cluster,
      groupId,
      all,
      stops.flatMap((stop) => stop()),
    );
  });

  it('takes no node of another authority', async () => {
    await using another = await Authority.make();
    await another.sign('b2');
    const b2 = cluster.get('b2');
    await b2.drain();
    await b2.start({ ...envOf(another.files('b2')), PARLEY_LINK_TLS_CA: authority.files('ca').ca });
    await until(
      () => cluster.get('c2').output.includes('"event.action":"link-refused"'),
      () => `c2 refused nobody: ${cluster.get('c2').output}`,
    );
    assert.match(cluster.get('c2').output, /UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO/);
  });

  it('has an edge that reaches no message node turn away whom a gateway sends, until it does', async () => {
    await using another = await Authority.make();
    await another.sign('e1');
    const e1 = cluster.get('e1');
    await e1.drain();
    await e1.start({ ...envOf(another.files('e1')), PARLEY_LINK_TLS_CA: authority.files('ca').ca });
    const opens = async (): Promise<boolean> => {
      const socket = connect(e1.ports.http, '127.0.0.1');
      const isOpen = await once(socket, 'connect').then(
        () => true,
        () => false,
      );
      socket.destroy();
      return isOpen;
    };
    while (await opens()) await new Promise((resolve) => setTimeout(resolve, 100));
    assert.match(e1.output, /"event.action":"doors-shut"/);
    await e1.drain();
    await e1.start();
    assert.ok(await opens());
  });
});
