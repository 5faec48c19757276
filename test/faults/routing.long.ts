import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { rendezvous } from '../../services/core/rendezvous.ts';
import { until } from '../crash/until.ts';
import { directConvId } from '../../services/core/conv-id.ts';
import type { UserId } from '../../services/core/ids.ts';
import { redisClient } from '../engines/redis-server.ts';
import { serviceToken } from '../cluster/support/tokens.ts';
import { Metrics } from '../input/support/metrics.ts';
import { FaultCluster } from './fault-cluster.ts';
import { FaultRun } from './fault-run.ts';
import { PresenceWatcher } from './presence-watcher.ts';
import { pause, short, told, verdict } from './reports.ts';

/** After many kills in a row, of any nodes: everybody is served by whoever should, and all say the same of who is there. */

const kills = short ? 10 : 50;
const betweenMs = 500;
/** The dead's sessions are gone after it. */
const sessionTtlMs = 6_000;
const patienceMs = 60_000;

describe(`after ${kills} kills in a row`, () => {
  const stack = new AsyncDisposableStack();
  let cluster: FaultCluster;
  let run: FaultRun;
  let watchers: readonly PresenceWatcher[];
  let users: readonly string[];

  before(async () => {
    cluster = stack.use(
      await FaultCluster.start({
        more: { m3: 'message' },
        env: { PARLEY_SESSION_TTL_MS: `${sessionTtlMs}` },
      }),
    );
    run = stack.use(await FaultRun.create(cluster));
    users = run.world.users.map(({ name }) => name);
    watchers = [0, 1].map(
      (edge) =>
        new PresenceWatcher({ user: `watcher-${edge}`, watched: users, ports: () => cluster.ports(edge) }),
    );
    stack.defer(() => {
      for (const watcher of watchers) watcher.stop();
    });
  });
  after(() => stack.disposeAsync());

  test('everybody is served again', async (t) => {
    const victims = cluster.processes.map(({ name }) => name);
    const killed: string[] = [];
    const round = await run.round(async () => {
      for (let count = 0; count < kills; count += 1) {
        const name = victims[Math.floor(Math.random() * victims.length)] as string;
        killed.push(name);
        await cluster.get(name).kill();
        await pause(Math.random() * betweenMs);
        await cluster.get(name).start();
        await pause(Math.random() * betweenMs);
      }
    });
    t.diagnostic(`killed: ${killed.join(' ')}`);
    told(t, round);
  });

  test('each conversation is served by its owner by rendezvous hashing, and by nobody else', async (t) => {
    await run.traffic.off();
    await until(
      () => run.traffic.clients.every(({ unanswered }) => unanswered === 0),
      patienceMs,
      () => 'not everything is answered',
    );
    const owners = cluster.processes.filter(({ name }) => name.startsWith('m'));
    const nodes = owners.map(({ name }) => ({ nodeId: name }));
    const sends = async (): Promise<number[]> =>
      Promise.all(
        owners.map(async ({ ports }) => {
          const metrics = await Metrics.read(ports.metrics);
          return metrics.by('chat_messages_processed_total').get('send') ?? 0;
        }),
      );
    const places = [
      ...run.world.groups.map(({ id, members: [owner] }) => ({ convId: id, user: owner as string })),
      ...run.world.pairs.map(([user, other]) => ({
        convId: directConvId(user as UserId, other as UserId),
        user,
      })),
    ];
    const shares = new Map<string, number>();
    for (const { convId, user } of places) {
      const before = await sends();
      const client = run.traffic.clients[users.indexOf(user)];
      client?.send({ convId, to: undefined }, 'whose is this?');
      await until(
        () => client?.unanswered === 0,
        patienceMs,
        () => `${convId}: ${client?.waiting}`,
      );
      const served = (await sends()).map((count, at) => count - (before[at] as number));
      const owner = rendezvous(convId, nodes)?.nodeId as string;
      assert.deepEqual(
        served,
        nodes.map(({ nodeId }) => (nodeId === owner ? 1 : 0)),
        `${convId} is ${owner}’s`,
      );
      shares.set(owner, (shares.get(owner) ?? 0) + 1);
    }
    t.diagnostic(`${places.length} conversations: ${[...shares].map((share) => share.join(' ')).join(', ')}`);
  });

  /** Who is online, as everybody who can be asked says it. */
  async function agreed(online: readonly string[]): Promise<void> {
    let views: Record<string, unknown> = {};
    let agree = false;
    const look = async (): Promise<void> => {
      const said = await isOnline();
      const entities = await sessionEntities();
      views = {
        isOnline: users.filter((_, at) => said.users[at]?.online === true),
        moreThanOne: users.filter((_, at) => (said.users[at]?.sessions ?? 0) > 1),
        entities: entities.filter((user) => users.includes(user)),
        watchers: watchers.map((watcher) => watcher.online),
      };
      const wanted = {
        isOnline: online,
        moreThanOne: [],
        entities: [...online].sort(),
        watchers: watchers.map(() => online),
      };
      agree = JSON.stringify(views) === JSON.stringify(wanted);
    };
    const deadline = performance.now() + patienceMs;
    while (!agree) {
      assert.ok(
        performance.now() < deadline,
        `online are ${online.join()}, and said is ${JSON.stringify(views)}`,
      );
      await look().catch((error: unknown) => (views = { error: String(error) }));
      if (!agree) await pause(100);
    }
  }

  /** As services ask it. */
  async function isOnline(): Promise<{ users: { online?: boolean; sessions?: number }[] }> {
    const { http } = cluster.ports(0);
    const response = await fetch(`http://127.0.0.1:${http}/parley.chat.v1.PresenceService/IsOnline`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${await serviceToken('send')}`,
      },
      body: JSON.stringify({ userIds: users }),
    });
    if (!response.ok) throw new Error(await response.text());
    return (await response.json()) as Awaited<ReturnType<typeof isOnline>>;
  }

  /** The user of each session that stands in Redis, as redis-om has written it. */
  async function sessionEntities(): Promise<string[]> {
    const client = redisClient(cluster.redis.port);
    const found: string[] = [];
    try {
      await client.connect();
      for await (const keys of client.scanStream({ match: '*:session:*', count: 1_000 }))
        for (const key of keys as string[]) {
          const user = await client.hget(key, 'user');
          if (user !== null) found.push(user);
        }
    } finally {
      client.disconnect();
    }
    return found.sort();
  }

  test('directory, session entities and watchers say the truth about who is online', async () => {
    await agreed(users);
    const leaving = run.traffic.clients.filter((_, at) => at % 3 === 0);
    for (const client of leaving) client.stop();
    const gone = new Set(leaving.map(({ user }) => user));
    await agreed(users.filter((user) => !gone.has(user)));
    for (const client of leaving) client.comeBack();
    await agreed(users);
  });

  test('kept all promises', async (t) => void (await verdict(t, run)));
});
