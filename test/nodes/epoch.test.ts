import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connectDirect } from '../../services/peer/direct-link.ts';
import type { EdgeFrame, OwnerFrame } from '../../services/peer/edge-frames.ts';
import { Fault } from '../../services/core/fault.ts';
import { until } from '../e2e/support/until.ts';
import { Nodes } from '../helpers/nodes.ts';

/** What nodes do when the store has another epoch: everything that was known is void, and sessions start over. */

describe('a store that was restored', () => {
  test('ends sessions with a reason that has them come again, and is one under a new epoch', async () => {
    await using nodes = await Nodes.open({ edges: 2 });
    const [ada, bob] = [await nodes.signIn('ada'), await nodes.signIn('bob', { edge: 1 })];
    await nodes.createGroup('ada', 'garden', ['bob']);
    const before = nodes.store.epoch;
    const renewed = await nodes.store.inner.renewEpoch(before);
    for (const session of [ada, bob]) {
      const { reason, code } = await session.end();
      assert.deepEqual([reason, code], ['epochChanged', 4503]);
    }
    assert.equal(nodes.store.epoch, renewed);
    assert.equal(nodes.message.hotConversations, 0);
    assert.equal(nodes.message.meters.resets, 1);
    const again = nodes.connect();
    again.send({ case: 'hello', value: { protocolVersion: 1, deviceId: 'd', userId: 'ada' } });
    const welcome = await again.until(({ event }) => event.case === 'welcome');
    assert.equal(welcome.event.case === 'welcome' && welcome.event.value.storeEpoch, renewed);
  });

  test('refuses what was made on what it was, at once and not a second later', async () => {
    await using nodes = await Nodes.open();
    await nodes.createGroup('ada', 'garden', ['bob']);
    const commits = nodes.store.count('commit');
    nodes.store.beforeCommit = async () => {
      nodes.store.beforeCommit = () => {};
      await nodes.store.inner.renewEpoch(nodes.store.epoch);
    };
    await assert.rejects(
      nodes.add('ada', 'garden', ['cleo']),
      (error) => error instanceof Fault && error.reason === 'epochChanged',
    );
    await until(
      () => nodes.message.meters.resets === 1,
      () => 'no reset',
    );
    assert.equal(nodes.store.count('commit'), commits + 1);
    // On what is read now, it works.
    await nodes.add('ada', 'garden', ['cleo']);
  });

  test('is asked before an edge that knows another epoch is linked', async () => {
    await using nodes = await Nodes.open({ edges: 0 });
    const link = (edgeEpoch: string) =>
      connectDirect<EdgeFrame, OwnerFrame>({
        a: () => ({ frames() {}, down() {} }),
        b: (end) => nodes.message.acceptEdge(end, 'edge', edgeEpoch),
        limitBytes: 1 << 20,
      });
    const before = nodes.store.epoch;
    link(before);
    assert.throws(() => link('another'), /the store is asked/);
    // The store says that it is the edge who is wrong.
    await until(
      () => {
        try {
          link('another');
          return true;
        } catch {
          return false;
        }
      },
      () => 'never linked',
    );
    const renewed = await nodes.store.inner.renewEpoch(before);
    assert.throws(() => link(renewed), /the store is asked/);
    await until(
      () => nodes.store.epoch === renewed,
      () => 'the node never noticed',
    );
    link(renewed);
  });
});
