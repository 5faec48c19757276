import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConvId } from '../../services/core/ids.ts';
import { rendezvous } from '../../services/core/rendezvous.ts';
import { MessageProcess } from './message-process.ts';
import { settled, tailReached } from './settled.ts';
import { simulateTimers } from './timers.ts';
import { judge } from './verdict.ts';
import { fairClimate } from './weather.ts';
import { World } from './world.ts';

/** The narrow windows by name, each played by hand on the nodes that the random schedules run on. */

const group = { convId: 'garden', to: undefined } as const;

/** One message node, two edges, a group of ada and bob; what `play` does, and that all promises are kept in the end. */
async function played(play: (world: World) => Promise<void>): Promise<World> {
  const world = new World({ seed: 1, climate: fairClimate, owners: 1, edges: 2, groups: 1 });
  using _timers = simulateTimers(world.scheduler);
  await world.scheduler.run(2_500);
  world.admin.create('ada', group.convId, ['bob', 'cyd'], 'all');
  await world.scheduler.run(500);
  for (const user of ['ada', 'bob', 'cyd']) world.addClient(user, 'one');
  await world.scheduler.run(1_000);
  await play(world);
  world.weather.calm();
  world.directory.calm();
  world.keepUp();
  await settled(world);
  await tailReached(world);
  judge(world, new Map());
  assert.deepEqual(world.findings.all, []);
  for (const { actor } of world.clients) actor.alive = false;
  return world;
}

/** m2 joins; m1 and one edge do not see it for so long, and go on as if all were m1's. */
async function twoOwners(world: World, forMs: number): Promise<void> {
  for (const name of ['m1', 'e1']) world.directory.stick(name, forMs);
  world.start('m2');
  await world.scheduler.run(2_000);
}

const log = (world: World) => world.rows.log(group.convId as ConvId);
const texts = (world: World) => log(world).filter(({ kind }) => kind === 'message').length;
const meters = (world: World, name: string) => (world.process(name) as MessageProcess).node?.meters;

describe('named interleavings', () => {
  it('has the group owned by the node that joins', () => {
    const owner = rendezvous(group.convId, [{ nodeId: 'm1' }, { nodeId: 'm2' }]);
    assert.equal(owner?.nodeId, 'm2', 'the others rest on it');
  });

  it('I2, I4: two owners for a minute: one log, and both are fenced now and then', async () => {
    const world = await played(async (world) => {
      await twoOwners(world, 60_000);
      for (let second = 0; second < 60; second += 1) {
        for (const client of world.clients) client.say(group);
        if (second % 7 === 0) for (const client of world.clients) client.reconnect();
        await world.scheduler.run(1_000);
      }
    });
    assert.equal(texts(world), 180);
    assert.ok((meters(world, 'm1')?.fenceLost ?? 0) + (meters(world, 'm2')?.fenceLost ?? 0) > 5);
  });

  it('I4: what lost to a kick is checked again, with the head and the rules that are fresh', async () => {
    const world = await played(async (world) => {
      await twoOwners(world, 20_000);
      for (let round = 0; round < 12; round += 1) {
        for (const client of world.clients) client.say(group);
        world.admin.kick('ada', group.convId, 'bob');
        for (const client of world.clients) client.say(group);
        await world.scheduler.run(300);
        world.admin.add('ada', group.convId, ['bob']);
        for (const client of world.clients) client.reconnect();
        await world.scheduler.run(700);
      }
    });
    assert.ok(log(world).filter(({ kind }) => kind === 'memberRemoved').length > 5);
  });

  it('I3: a duplicate goes to both owners, and has one answer', async () => {
    const world = await played(async (world) => {
      await twoOwners(world, 20_000);
      for (let round = 0; round < 20; round += 1) {
        for (const client of world.clients) client.say(group);
        await world.scheduler.run(60);
        for (const client of world.clients) client.reconnect();
        await world.scheduler.run(400);
        for (const client of world.clients) client.repeat();
      }
    });
    assert.equal(texts(world), 60);
  });

  it('I1, I4: a commit lands after the successor has read the tail', async () => {
    const world = await played(async (world) => {
      world.start('m2');
      await world.scheduler.run(4_000);
      for (const client of world.clients) client.say(group);
      // It is in the database's hands when its writer dies, and stays there while the next one begins.
      await world.scheduler.run(4);
      world.database.frozenUntilMs = world.scheduler.nowMs + 1_500;
      for (const client of world.clients) client.say(group);
      await world.scheduler.run(6);
      world.process('m2')?.kill();
      await world.scheduler.run(2_000);
      for (const client of world.clients) client.say(group);
      await world.scheduler.run(3_000);
    });
    assert.equal(texts(world), 9);
  });

  it('I5: an owner goes on without one edge, which catches up', async () => {
    const world = await played(async (world) => {
      world.directory.stick('e2', 8_000);
      world.start('m2');
      await world.scheduler.run(3_000);
      for (let round = 0; round < 10; round += 1) {
        for (const client of world.clients) client.say(group);
        await world.scheduler.run(500);
      }
    });
    assert.equal(texts(world), 30);
  });

  it('I5: a former owner lets go after the next one has told who hears', async () => {
    const world = await played(async (world) => {
      for (let round = 0; round < 3; round += 1) for (const client of world.clients) client.say(group);
      await world.scheduler.run(200);
      world.directory.stick('m1', 3_000);
      world.start('m2');
      await world.scheduler.run(2_500);
      for (const client of world.clients) client.say(group);
      await world.scheduler.run(3_000);
      for (const client of world.clients) client.say(group);
      await world.scheduler.run(500);
    });
    assert.equal(texts(world), 15);
  });

  it('I2: the route changes while sends are unanswered, and the order stays', async () => {
    const world = await played(async (world) => {
      world.start('m2');
      await world.scheduler.run(4_000);
      const owner = world.process('m2');
      assert.ok(owner instanceof MessageProcess);
      for (const client of world.clients) for (let no = 0; no < 3; no += 1) client.say(group);
      await world.scheduler.run(0.5);
      // It stands still with all of them, is given up, and comes back.
      owner.actor.frozenUntilMs = world.scheduler.nowMs + 4_000;
      world.directory.frozen(owner.actor, 4_000);
      for (let no = 0; no < 10; no += 1) {
        await world.scheduler.run(500);
        for (const client of world.clients) client.say(group);
      }
    });
    assert.equal(texts(world), 39);
  });

  it('I1: nothing of an epoch that is over is written or acknowledged', async () => {
    const world = new World({ seed: 1, climate: fairClimate, owners: 1, edges: 1, groups: 1 });
    using _timers = simulateTimers(world.scheduler);
    await world.scheduler.run(2_500);
    world.admin.create('ada', group.convId, ['bob'], 'all');
    await world.scheduler.run(500);
    const ada = world.addClient('ada', 'one');
    await world.scheduler.run(500);
    ada.say(group);
    await world.scheduler.run(500);
    const backup = world.rows.backup();
    ada.say(group);
    await world.scheduler.run(500);
    assert.equal(texts(world), 2);
    world.rows.restore(backup, 'another epoch');
    ada.say(group);
    await world.scheduler.run(3_000);
    assert.equal(texts(world), 1, 'the owner that knows the former epoch writes nothing');
    assert.equal(ada.events.filter(({ t }) => t === 'sent').length, 2, 'and acknowledges nothing');
    ada.actor.alive = false;
  });
});
