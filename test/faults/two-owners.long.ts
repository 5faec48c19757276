import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Metrics } from '../input/support/metrics.ts';
import { FaultRun } from './fault-run.ts';
import { pause, short, told, verdict } from './reports.ts';
import { TwinClusters } from './twin-clusters.ts';

/** Two message nodes that both own every conversation, each asked by every other member of it. */

const togetherMs = short ? 15_000 : 60_000;

describe('two owners of everything on one database', () => {
  const stack = new AsyncDisposableStack();
  let twins: TwinClusters;
  let run: FaultRun;

  before(async () => {
    twins = stack.use(await TwinClusters.start());
    run = stack.use(await FaultRun.create(twins));
  });
  after(() => stack.disposeAsync());

  test(`write for ${togetherMs / 1000} s, and the store fences`, async (t) => {
    told(t, await run.round(() => pause(togetherMs)));
    for (const owner of twins.owners) {
      const lost = (await Metrics.read(owner.ports.metrics)).of('chat_fence_lost_total');
      t.diagnostic(`${owner.name} lost ${lost} writes to the other one`);
      assert.ok(lost > 0, `${owner.name} was never fenced`);
    }
  });

  // Each owner tells of cursors as it knows them, and clients keep the greatest: see docs/invariants.md.
  test('nothing acknowledged is lost or there twice', async (t) =>
    void (await verdict(t, run, ['cursorsOnlyGrow'])));
});
