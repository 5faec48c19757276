import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { directConvId } from '../../services/core/conv-id.ts';
import type { UserId } from '../../services/core/ids.ts';
import { rendezvous } from '../../services/core/rendezvous.ts';
import { Ownership } from '../../services/message/ownership.ts';
import { connectDirect } from '../../services/peer/direct-link.ts';
import type { EdgeFrame, OwnerFrame, ToldUntil } from '../../services/peer/edge-frames.ts';
import { until } from '../e2e/support/until.ts';
import { Nodes, sayTo } from '../helpers/nodes.ts';

const linksComeAgain = { recentMs: 30_000, aloneMs: 5_000 };
const both = [{ nodeId: 'm1' }, { nodeId: 'm2' }];

/** Users with whom ada's conversation is the first message node's. */
function* peers(): Generator<string, never> {
  for (let no = 0; ; no += 1) {
    const convId = directConvId('ada' as UserId, `peer${no}` as UserId);
    if (rendezvous(convId, both)?.nodeId === 'm1') yield `peer${no}`;
  }
}

/** Two edges on two message nodes; the link of the second edge to the first message node can be cut. */
async function twoOfEach() {
  const one = await Nodes.open({ edges: 0, linksComeAgain, ownership: new Ownership('m1') });
  const second = { store: one.store, edges: 0, linksComeAgain, ownership: new Ownership('m2') };
  const two = await Nodes.open(second);
  const messages = { m1: one.message, m2: two.message };
  for (const message of Object.values(messages)) message.see(both);
  let link = { close: (_reason: string) => {} };
  for (const no of [0, 1]) {
    const node = one.addUnlinkedEdge({
      unlink: () => link.close('a test cuts it'),
      relink: () => {
        link = tie('m1');
      },
    });
    const tie = (name: keyof typeof messages) =>
      connectDirect<EdgeFrame, OwnerFrame>({
        a: (end) => node.connectMessages(end, name, one.store.epoch),
        b: (end) => messages[name].acceptEdge(end, `edge ${no}`),
        limitBytes: 1 << 28,
      });
    tie('m2');
    if (no === 0) tie('m1');
    else link = tie('m1');
    node.see(both);
  }
  return {
    nodes: one,
    async [Symbol.asyncDispose]() {
      await one[Symbol.asyncDispose]();
      await two[Symbol.asyncDispose]();
    },
  };
}

describe('a link to one of several message nodes that is cut', () => {
  for (const [cutMs, what] of [
    [20_000, 'for as long as that remembers: sessions are told what they missed'],
    [40_000, 'for longer than that remembers: sessions that may lack something have to sync'],
  ] as const)
    it(`I5: ${what}`, async () => {
      await using setting = await twoOfEach();
      const { nodes } = setting;
      const names = peers();
      const bobId = names.next().value;
      const ada = await nodes.signIn('ada');
      const bob = await nodes.signIn(bobId, { edge: 1 });
      nodes.edges[1]?.unlink();
      const { convId } = await ada.asked(sayTo(bobId, 'hello'), 'sent');
      // Other conversations go on, and nothing comes after it in this one.
      for (let atMs = 0; atMs < cutMs; atMs += 10_000) {
        nodes.clock.advance(10_000);
        await ada.asked(sayTo(names.next().value, 'hello'), 'sent');
      }
      const late = await nodes.signIn('eve', { edge: 1 });
      nodes.edges[1]?.relink();
      if (cutMs < linksComeAgain.recentMs) {
        await bob.delivered(convId, 1);
        assert.deepEqual(bob.liveSeqs(convId), [1]);
      } else {
        assert.deepEqual(await bob.end(), { code: 4503, reason: 'ownerLost' });
        const again = await nodes.signIn(bobId, { edge: 1 });
        const { conversations } = await again.asked({ case: 'sync', value: {} }, 'changes');
        assert.deepEqual(
          conversations.map((one) => [one.convId, one.headSeq]),
          [[convId, 1n]],
        );
      }
      await late.barrier();
      await ada.barrier();
      assert.deepEqual([late.closed, ada.closed], [undefined, undefined]);
    });
});

describe('an edge that is linked again', () => {
  /** A message node that has forgotten what it committed 50 seconds ago, and remembers the rest. */
  async function forgetful(): Promise<Nodes> {
    const nodes = await Nodes.open({ linksComeAgain });
    const ada = await nodes.signIn('ada');
    for (const waitMs of [0, 10_000, 40_000]) {
      nodes.clock.advance(waitMs);
      await ada.asked(sayTo('bob', 'hello'), 'sent');
    }
    return nodes;
  }

  /** Which of its sessions are stale, by number. */
  function stale(nodes: Nodes, ages: readonly number[], told: ToldUntil | undefined) {
    const link = nodes.bareLink();
    link.say({ t: 'snapshot', oldestMs: Math.max(...ages), told });
    for (const [no, ageMs] of ages.entries())
      link.say({ t: 'sessionUp', session: no, userId: `u${no}` as UserId, deviceId: 'd', ageMs });
    link.say({ t: 'snapshotEnd' });
    return link.told.flatMap((frame) => (frame.t === 'stale' ? [frame.session] : []));
  }

  it('I5: has those sessions sync that were there before what the message node remembers', async () => {
    await using nodes = await forgetful();
    assert.deepEqual(stale(nodes, [60_000, 40_000, 1], undefined), [0]);
    assert.deepEqual(stale(nodes, [40_000, 1], undefined), []);
  });

  it('keeps all sessions where it was told of everything since, by the same run', async () => {
    await using nodes = await forgetful();
    const { told, say } = nodes.bareLink();
    say({ t: 'snapshot', oldestMs: 0, told: undefined }, { t: 'snapshotEnd' });
    const marks = () => told.flatMap((frame) => (frame.t === 'told' ? [frame.until] : []));
    await until(
      () => marks().length > 0,
      () => 'it was not told up to when it knows',
    );
    const [mark] = marks() as [ToldUntil];
    assert.deepEqual(stale(nodes, [60_000], mark), []);
    assert.deepEqual(stale(nodes, [60_000], { ...mark, atMs: mark.atMs - 55_000 }), [0]);
    assert.deepEqual(stale(nodes, [60_000], { ...mark, incarnation: mark.incarnation - 1 }), [0]);
  });
});
