import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { ConvId } from '../../services/core/ids.ts';
import { rendezvous } from '../../services/core/rendezvous.ts';
import { another, group, playInterleaving } from './interleaving.ts';
import { interleavings } from './interleavings.ts';
import { simulateTimers } from './timers.ts';
import { fairClimate } from './weather.ts';
import { World } from './world.ts';

/** The narrow windows by name; each is shown to fail where production code is broken for it. */

const script = join(import.meta.dirname, 'play-interleaving.ts');
const texts = (world: World) =>
  world.rows.log(group.convId as ConvId).filter(({ kind }) => kind === 'message').length;

describe('named interleavings', () => {
  it('has the groups owned by the node that joins', () => {
    for (const { convId } of [group, another]) {
      const owner = rendezvous(convId, [{ nodeId: 'm1' }, { nodeId: 'm2' }]);
      assert.equal(owner?.nodeId, 'm2', 'the others rest on it');
    }
  });

  for (const interleaving of interleavings) {
    const { name, invariant, what, mutants } = interleaving;
    it(`${invariant}: ${what}`, async () => {
      assert.deepEqual(await playInterleaving(interleaving), []);
    });

    for (const mutant of mutants)
      it(`${invariant}: ${name} notices ${mutant}`, () => {
        const args = [script, '--name', name, '--mutant', mutant];
        const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
        assert.equal(status, 2, stderr);
      });
  }

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
