import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { WebSocket } from 'ws';
import { decodePage, encodePage } from '../../services/adapters/mysql/page-codec.ts';
import { rendezvous } from '../../services/core/rendezvous.ts';
import { until as eventually } from '../e2e/support/until.ts';
import { redisClient } from '../engines/redis-server.ts';
import { Clients, until } from './support/clients.ts';
import { Cluster } from './support/cluster.ts';
import { deskToken, userToken } from './support/tokens.ts';

/** What the processes of a cluster tell each other by way of Redis. In production mode: tokens, proxies, limits. */

const sessionTtlMs = 3_000;
const signInBurst = 4;

let cluster: Cluster;
let clients: Clients;
let desk: string;

before(async () => {
  cluster = await Cluster.start({
    env: {
      PARLEY_MODE: 'production',
      PARLEY_MASTER_KEYS: `1:${'0123456789abcdef'.repeat(4)}`,
      PARLEY_TRUSTED_PROXIES: '1',
      PARLEY_SESSION_TTL_MS: `${sessionTtlMs}`,
      PARLEY_SIGN_IN_RATE: '0.001',
      PARLEY_SIGN_IN_BURST: `${signInBurst}`,
    },
  });
  clients = new Clients(cluster);
  desk = await deskToken();
});
after(async () => {
  await clients[Symbol.asyncDispose]();
  await cluster[Symbol.asyncDispose]();
});

/** How many sessions users have, as an edge tells a service. */
async function sessions(edge: string, ...userIds: string[]): Promise<number[]> {
  const response = await cluster.ask(edge, '/api/v1/presence/sessions', desk, { user_ids: userIds });
  const answer = await response.text();
  assert.ok(response.ok, answer);
  return (JSON.parse(answer) as { users: { sessions: number }[] }).users.map((user) => user.sessions);
}

async function comes(edge: string, userId: string, wanted: number): Promise<void> {
  let found: number[] = [];
  await eventually(
    async () => {
      found = await sessions(edge, userId);
      return found[0] === wanted;
    },
    () => `${userId} has ${found.join()} sessions, not ${wanted}`,
  );
}

async function revoke(edge: string, userId: string): Promise<void> {
  const response = await cluster.ask(edge, '/api/v1/tokens/revoke', desk, { user_id: userId });
  assert.ok(response.ok, await response.text());
}

/** Signs in as a proxy's client with this address would; says what the server answered first. */
async function signInFrom(address: string, edge: string, userId: string): Promise<string> {
  const socket = new WebSocket(
    `ws://127.0.0.1:${cluster.get(edge).ports.http}/ws`,
    ['parley.v1.json', `bearer.${await userToken(userId)}`],
    { headers: { 'x-forwarded-for': address } },
  );
  try {
    return await new Promise<string>((resolve, reject) => {
      socket.on('error', reject);
      socket.on('close', (code, reason) => resolve(`${code} ${reason}`));
      socket.on('open', () =>
        socket.send(JSON.stringify({ commands: [{ id: 1, hello: { deviceId: 'd', protocolVersion: 1 } }] })),
      );
      socket.on('message', (data) => {
        if (/"welcome"/.test(String(data))) resolve('welcome');
      });
    });
  } finally {
    socket.terminate();
  }
}

describe('edges of a cluster', () => {
  test('know each other’s sessions, and those of a killed one are forgotten', async () => {
    const [here, there] = [await clients.online('ann', 'e1'), await clients.online('ann', 'e2')];
    for (const edge of ['e1', 'e2']) await comes(edge, 'ann', 2);
    assert.deepEqual(await sessions('e2', 'ann', 'nobody'), [2, 0]);
    await there.close();
    for (const edge of ['e1', 'e2']) await comes(edge, 'ann', 1);
    await cluster.get('e1').kill();
    await comes('e2', 'ann', 0);
    await cluster.get('e1').start();
    await here.close();
  });

  test('end the sessions of a user whose tokens were revoked at another one, and let nobody in with them', async () => {
    const [ann, bob] = [await clients.online('revoked', 'e2'), await clients.online('bystander', 'e2')];
    const before = await userToken('revoked');
    await comes('e1', 'revoked', 1);
    await revoke('e1', 'revoked');
    await until(ann, () => ann.state.t === 'ended');
    assert.equal(ann.state.t === 'ended' && ann.state.reason, 'tokenRevoked');
    await comes('e1', 'revoked', 0);
    for (const edge of ['e1', 'e2']) {
      const refused = await cluster.ask(edge, '/api/v1/messages/send', before, { to: 'bob', content: 'hi' });
      assert.match(await refused.text(), /tokenRevoked/);
    }
    // A process that comes later knows of it, too.
    await cluster.get('e1').drain();
    await cluster.get('e1').start();
    const late = await cluster.ask('e1', '/api/v1/messages/send', before, { to: 'bob', content: 'hi' });
    assert.match(await late.text(), /tokenRevoked/);
    assert.equal(bob.state.t, 'online');
  });

  test('count sign-ins from one address together', async () => {
    const said: string[] = [];
    for (let no = 0; no <= signInBurst; no += 1)
      said.push(await signInFrom('192.0.2.7', no % 2 === 0 ? 'e1' : 'e2', `guest ${no}`));
    assert.deepEqual(said.slice(0, signInBurst), Array(signInBurst).fill('welcome'));
    assert.match(said.at(-1) ?? '', /rateLimited/);
    assert.equal(await signInFrom('192.0.2.8', 'e2', 'another'), 'welcome');
  });
});

test('of two runs of a node the later one stays', async () => {
  const node = cluster.get('m2');
  await using former = await node.startAgain();
  await eventually(
    () => !former.running,
    () => former.output,
  );
  assert.match(former.output, /node-superseded/);
  const [error, ...others] = node.complaints.splice(0);
  assert.match(error ?? '', /node-superseded/);
  assert.deepEqual(others, []);
  const said: string[] = [];
  for (let no = 0; no < 8; no += 1)
    await eventually(
      async () => {
        const user = `after the former ${no}`;
        const message = { to: user, content: 'here?' };
        const response = await cluster.ask('e1', '/api/v1/messages/send', await userToken(user), message);
        said[no] = await response.text();
        return response.ok;
      },
      () => said.join('\n'),
    );
});

describe('message nodes of a cluster', () => {
  test('serve the pages that another one has read, from Redis', async () => {
    const length = 260;
    const ann = await clients.online('historian', 'e1');
    const convId = await ann.direct('reader');
    for (let no = 1; no <= length; no += 1) ann.send(convId, `line ${no}`);
    await until(ann, () => ann.log(convId).pending.length === 0);
    const owner = rendezvous(convId, [{ nodeId: 'm1' }, { nodeId: 'm2' }])?.nodeId ?? '';
    // The former owner's last entries are held by the next one; those before them it has to read.
    await cluster.get(owner).drain();
    const seventh = () => cluster.page('e2', 'historian', convId, 1, 50).then((page) => page[6]);
    await seventh();
    const redis = redisClient(Number(new URL(cluster.redis.url).port));
    try {
      await redis.connect();
      const pattern = `${cluster.redis.prefix}:page:{${encodeURIComponent(convId)}}:*:0:0`;
      let found: string[] = [];
      await eventually(
        async () => {
          found = await redis.keys(pattern);
          return found.length === 1;
        },
        () => `no page in Redis: ${found.join()}`,
      );
      const [key = ''] = found;
      const sealed = await redis.getBuffer(key);
      assert.ok(sealed !== null);
      assert.equal(sealed.includes('line 7'), false);
      const rows = decodePage(sealed, 0);
      assert.ok(rows !== undefined);
      const altered = rows.map((row) => (row.seq === 7 ? { ...row, sender: 'altered by hand' } : row));
      await redis.set(key, Buffer.from(encodePage(altered)));
    } finally {
      redis.disconnect();
    }
    // Who has read it keeps what he read.
    assert.deepEqual(await seventh(), { seq: 7, sender: 'historian', text: 'line 7' });
    await cluster.get(owner).start();
    let found: Awaited<ReturnType<typeof seventh>>;
    await eventually(
      async () => {
        found = await seventh().catch(() => undefined);
        return found?.sender === 'altered by hand';
      },
      () => JSON.stringify(found),
    );
    assert.equal(found?.text, 'line 7');
    const log = await cluster.logOf('e2', 'historian', convId);
    assert.deepEqual(
      log.map(({ text }) => text),
      Array.from({ length }, (_, at) => `line ${at + 1}`),
    );
  });

  test('have told of no error', () => {
    for (const one of cluster.processes.values()) assert.deepEqual(one.complaints, [], one.name);
  });
});
