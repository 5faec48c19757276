import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { rendezvous } from '../../services/core/rendezvous.ts';
import { until as eventually } from '../e2e/support/until.ts';
import { RedisServer } from '../engines/redis-server.ts';
import { Clients, pause, settled, talk, until } from './support/clients.ts';
import { Cluster } from './support/cluster.ts';
import { deskToken } from './support/tokens.ts';

/** A Redis that goes away under a running cluster, in every way that one can. See docs/operations.md. */

const leaseMs = 1_000;

let redis: RedisServer;
let cluster: Cluster;
let clients: Clients;
let desk: string;

before(async () => {
  redis = await RedisServer.start({ persistent: false });
  cluster = await Cluster.start({
    redisUrl: redis.url,
    // A Redis that was emptied is told of sessions within a third of their time.
    env: { PARLEY_NODE_LEASE_MS: `${leaseMs}`, PARLEY_SESSION_TTL_MS: '6000' },
  });
  clients = new Clients(cluster);
  desk = await deskToken();
});
after(async () => {
  await clients[Symbol.asyncDispose]();
  await cluster[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
});

/** What an edge answers to a service that asks who is connected, and that revokes. */
async function asked(edge: string, userId: string): Promise<string> {
  const response = await cluster.ask(edge, '/api/v1/presence/sessions', desk, { user_ids: [userId] });
  return response.text();
}

async function answers(edge: string, userId: string, wanted: RegExp): Promise<void> {
  let said = '';
  await eventually(
    async () => {
      said = await asked(edge, userId);
      return wanted.test(said);
    },
    () => said,
  );
}

describe('a Redis that', () => {
  const troubles: readonly (readonly [string, () => Promise<void> | void, () => Promise<void> | void])[] = [
    // It keeps nothing, so that it comes back empty.
    ['is killed, and comes back empty,', () => redis.kill(), () => redis.restart()],
    ['hangs for a while', () => redis.freeze(), () => redis.thaw()],
  ];
  for (const [at, [name, away, back]] of troubles.entries())
    test(`${name} stops no chat; what it alone knows is refused`, async () => {
      const [ann, bob] = [
        await clients.online(`ann ${at}`, 'e1'),
        await clients.online(`bob ${at}`, 'e2', 'grpc'),
      ];
      const { groupId } = await ann.groups.create('Team', [`bob ${at}`]);
      const stops = [talk(ann, groupId, 20), talk(bob, groupId, 20)];
      await answers('e2', `ann ${at}`, /"sessions":1/);
      await pause(bob, groupId, 50);
      await away();
      for (const edge of ['e1', 'e2']) await answers(edge, `ann ${at}`, /directoryUnavailable/);
      const revoking = await cluster.ask('e1', '/api/v1/tokens/revoke', desk, { user_id: `ann ${at}` });
      assert.match(await revoking.text(), /directoryUnavailable/);
      // So long that every lease would have lapsed.
      const overMs = performance.now() + 3 * leaseMs;
      while (performance.now() < overMs) await pause(bob, groupId, 50);
      const eve = await clients.online(`eve ${at}`, 'e2');
      await ann.groups.add(groupId, [`eve ${at}`]);
      await until(eve, () => eve.log(groupId).items.length > 0);
      assert.equal((await cluster.page('e1', `ann ${at}`, groupId, 1, 50)).length, 50);
      await back();
      for (const user of ['ann', 'bob', 'eve']) await answers('e1', `${user} ${at}`, /"sessions":1/);
      await pause(bob, groupId, 200);
      await settled(
        cluster,
        groupId,
        [ann, bob],
        stops.flatMap((stop) => stop()),
      );
    });

  test('answers, but takes no writes, stops no chat', async () => {
    const [ann, bob] = [await clients.online('ann x', 'e1'), await clients.online('bob x', 'e2')];
    const { groupId } = await ann.groups.create('Team', ['bob x']);
    const stops = [talk(ann, groupId, 20), talk(bob, groupId, 20)];
    await pause(ann, groupId, 50);
    await redis.ask('CONFIG', 'SET', 'min-replicas-to-write', '1');
    // So long that every lease lapses.
    const overMs = performance.now() + 3 * leaseMs;
    while (performance.now() < overMs) await pause(ann, groupId, 50);
    await redis.ask('CONFIG', 'SET', 'min-replicas-to-write', '0');
    await pause(ann, groupId, 50);
    await settled(
      cluster,
      groupId,
      [ann, bob],
      stops.flatMap((stop) => stop()),
    );
  });

  test('is away lets edges go by their links when a message node dies', async () => {
    const [ann, bob] = [await clients.online('ann y', 'e1'), await clients.online('bob y', 'e2')];
    const { groupId } = await ann.groups.create('Team', ['bob y']);
    const stops = [talk(ann, groupId, 20), talk(bob, groupId, 20)];
    await pause(ann, groupId, 50);
    await redis.kill();
    for (const edge of ['e1', 'e2']) await answers(edge, 'ann y', /directoryUnavailable/);
    const owner = rendezvous(groupId, [{ nodeId: 'm1' }, { nodeId: 'm2' }])?.nodeId ?? '';
    await cluster.get(owner).kill();
    await pause(ann, groupId, 100);
    // One that comes while nobody can say so takes part once somebody can.
    await cluster.get(owner).start();
    await pause(ann, groupId, 100);
    await redis.restart();
    await answers('e1', 'ann y', /"sessions":1/);
    await pause(ann, groupId, 100);
    await settled(
      cluster,
      groupId,
      [ann, bob],
      stops.flatMap((stop) => stop()),
    );
  });

  test('is there again finds nodes that die as before', async () => {
    const [ann, bob] = [await clients.online('ann z', 'e1'), await clients.online('bob z', 'e2')];
    const { groupId } = await ann.groups.create('Team', ['bob z']);
    const stops = [talk(ann, groupId, 20), talk(bob, groupId, 20)];
    await pause(ann, groupId, 50);
    for (const victim of ['m1', 'm2']) {
      await cluster.get(victim).kill();
      await pause(ann, groupId, 100);
      await cluster.get(victim).start();
      await pause(ann, groupId, 100);
    }
    await settled(
      cluster,
      groupId,
      [ann, bob],
      stops.flatMap((stop) => stop()),
    );
  });

  test('was away has made nobody tell of an error', () => {
    for (const one of cluster.processes.values()) assert.deepEqual(one.complaints, [], one.name);
  });
});
