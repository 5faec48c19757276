import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type CommandOf, CrashSession } from '../crash/crash-session.ts';
import { Clients, pause, settled, talk, until } from './support/clients.ts';
import { Cluster } from './support/cluster.ts';

/** Everything in here talks to six processes, a database and a Redis. */

let cluster: Cluster;
let clients: Clients;

before(async () => {
  cluster = await Cluster.start();
  clients = new Clients(cluster);
});
after(async () => {
  await clients[Symbol.asyncDispose]();
  await cluster[Symbol.asyncDispose]();
});

describe('a cluster', () => {
  test('is one chat, whichever edge and door its users come by', async () => {
    const ann = await clients.online('ann', 'e1');
    const bob = await clients.online('bob', 'e2', 'grpc');
    const direct = await ann.direct('bob');
    for (const text of ['ann 0', 'ann 1']) ann.send(direct, text);
    await until(bob, () => bob.log(direct).items.length === 2);
    bob.send(direct, 'bob 0');
    await settled(cluster, direct, [ann, bob], ['ann 0', 'ann 1', 'bob 0']);
    await until(ann, () => ann.presence('bob')?.online === true);
    const { groupId } = await ann.groups.create('Team', ['bob']);
    bob.send(groupId, 'bob 0');
    ann.send(groupId, 'ann 0');
    await settled(cluster, groupId, [ann, bob], ['ann 0', 'bob 0']);
  });

  for (const victim of ['m1', 'm2'])
    test(`loses nothing and repeats nothing when ${victim} is killed under load, and takes it back`, async () => {
      const [ann, bob] = [
        await clients.online(`ann ${victim}`, 'e1'),
        await clients.online(`bob ${victim}`, 'e2'),
      ];
      const { groupId } = await ann.groups.create('Team', [`bob ${victim}`]);
      const stops = [talk(ann, groupId, 20), talk(bob, groupId, 20)];
      await pause(ann, groupId, 100);
      await cluster.get(victim).kill();
      await pause(ann, groupId, 200);
      await cluster.get(victim).start();
      await pause(ann, groupId, 200);
      await settled(
        cluster,
        groupId,
        [ann, bob],
        stops.flatMap((stop) => stop()),
      );
    });

  test('hands everything over when a node is asked to go, under load', async () => {
    const [ann, bob] = [await clients.online('ann d', 'e1'), await clients.online('bob d', 'e2')];
    const { groupId } = await ann.groups.create('Team', ['bob d']);
    const stops = [talk(ann, groupId, 20), talk(bob, groupId, 20)];
    for (const name of ['m1', 'm2', 'g1', 'g2']) {
      await pause(ann, groupId, 50);
      await cluster.get(name).drain();
      await pause(ann, groupId, 50);
      await cluster.get(name).start();
    }
    await pause(ann, groupId, 100);
    await settled(
      cluster,
      groupId,
      [ann, bob],
      stops.flatMap((stop) => stop()),
    );
  });

  test('has an edge that starts let nobody in before it can carry out what they ask', async () => {
    for (let round = 0; round < 2; round += 1) {
      await cluster.get('e2').drain();
      await cluster.get('e2').start();
      const { ports } = cluster.get('e2');
      const { promise: ended, reject } = Promise.withResolvers<never>();
      const closed = (): void => reject(new Error('the connection is closed'));
      const session = new CrashSession({ kind: 'ws-json', ports, pushed: () => {}, closed, failed: reject });
      const answer = (command: CommandOf): Promise<string | undefined> =>
        Promise.race([
          ended,
          new Promise<string | undefined>((resolve) => session.ask(command, (event) => resolve(event.case))),
        ]);
      const hello = { userId: 'early', deviceId: 'd', protocolVersion: 1 };
      assert.equal(await answer({ case: 'hello', value: hello }), 'welcome');
      const body = { content: { case: 'text', value: 'early' } } as const;
      // Conversations of both owners.
      const sends = ['ann', 'bob', 'eve', 'joe', 'kim', 'leo'].map((to) =>
        answer({
          case: 'send',
          value: { target: { case: 'to', value: to }, clientId: `early-${round}`, body },
        }),
      );
      assert.deepEqual(new Set(await Promise.all(sends)), new Set(['sent']));
      session.close();
    }
  });

  test('has told of no error', () => {
    for (const one of cluster.processes.values()) assert.deepEqual(one.complaints, [], one.name);
  });
});
