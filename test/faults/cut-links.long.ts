import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Cut, NetNamespace } from '../engines/net-namespace.ts';
import { FaultCluster } from './fault-cluster.ts';
import { FaultRun } from './fault-run.ts';
import { pause, short, told, verdict } from './reports.ts';

/**
 * A message node on a machine of its own, as far as the network goes: packets of its links, and of its connections to
 * database and directory, are lost in one direction or in both.
 */

const cutMs = short ? 6_000 : 30_000;
const ways: Readonly<Record<Cut, string>> = {
  outward: 'm1 is not heard',
  inward: 'm1 does not hear',
  both: 'neither hears the other',
};

describe('a network that is cut', { skip: !NetNamespace.possible && 'needs root on Linux' }, () => {
  const stack = new AsyncDisposableStack();
  let space: NetNamespace;
  let cluster: FaultCluster;
  let run: FaultRun;

  before(async () => {
    space = stack.use(await NetNamespace.create());
    const { outside } = space.engines;
    cluster = stack.use(
      await FaultCluster.start({
        database: { settings: ['--bind-address=0.0.0.0'] },
        redisSettings: ['--bind', '0.0.0.0', '--protected-mode', 'no'],
        enginesFrom: (name) => (name === 'm1' ? outside : '127.0.0.1'),
        prefixOf: (name) => (name === 'm1' ? space.command : []),
        // All others link to it by the one cable, and it to them; it reaches the engines by the other.
        envOf: (name) => ({
          PARLEY_LINK_HOST: name === 'm1' ? space.links.inside : space.links.outside,
          ...(name === 'm1' ? { PARLEY_METRICS_HOST: '127.0.0.1' } : {}),
        }),
      }),
    );
    run = stack.use(await FaultRun.create(cluster));
  });
  after(() => stack.disposeAsync());

  /** Nothing goes over these cables in one direction or in both, and then everything again. */
  async function without(cables: readonly NetNamespace['links'][], how: Cut): Promise<void> {
    for (const cable of cables) await space.cut(cable, how);
    for (const cable of cables) assert.equal(await space.reached(cable), false, 'it is cut');
    await pause(cutMs);
    for (const cable of cables) await space.mend(cable);
    for (const cable of cables) assert.equal(await space.reached(cable), true, 'it is mended');
  }

  for (const [how, words] of Object.entries(ways) as [Cut, string][])
    test(`links are cut for ${cutMs / 1000} s: ${words}`, async (t) =>
      told(t, await run.round(() => without([space.links], how))));

  test(`database and directory are cut off for ${cutMs / 1000} s: m1 is linked, and alone`, async (t) =>
    told(t, await run.round(() => without([space.engines], 'both'))));

  for (const [how, words] of Object.entries(ways) as [Cut, string][])
    test(`everything is cut for ${cutMs / 1000} s: ${words}`, async (t) =>
      told(t, await run.round(() => without([space.links, space.engines], how))));

  test('kept all promises', async (t) => void (await verdict(t, run)));
});
