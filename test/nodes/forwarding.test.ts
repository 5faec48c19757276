import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConvId } from '../../services/core/ids.ts';
import { Ownership } from '../../services/message/ownership.ts';
import { connectDirect } from '../../services/peer/direct-link.ts';
import { PeerCalls } from '../../services/peer/peer-calls.ts';
import type { PeerAnswerFrame, PeerQuestionFrame } from '../../services/peer/peer-frames.ts';
import type { OutboxSpan } from '../../services/ports/outbox.ts';
import { until } from '../e2e/support/until.ts';
import { Nodes, say } from '../helpers/nodes.ts';
import { TempStore } from '../helpers/temp-store.ts';

/** `dead` commits and tells nobody of `heir`'s; what it committed is then forwarded by `heir`, which owns it all. */
async function open() {
  const temp = await TempStore.open();
  const ownership = new Ownership('heir');
  ownership.see([{ nodeId: 'heir' }]);
  const dead = await Nodes.open({ store: temp.store });
  const heir = await Nodes.open({
    store: temp.store,
    ownership,
    linksComeAgain: { recentMs: 60_000, aloneMs: 60_000 },
  });
  await dead.createGroup('ada', 'g', ['bob']);
  const peers = new PeerCalls({ timeoutMs: 30_000 });
  connectDirect<PeerQuestionFrame, PeerAnswerFrame>({
    a: (link) => peers.attach(link, 'heir'),
    b: (link) => heir.message.peers.accept(link),
    limitBytes: 1 << 20,
  });
  const span = async (firstSeq: number, lastSeq: number): Promise<OutboxSpan> => {
    const [snapshot] = await temp.store.load(['g' as ConvId]);
    assert.ok(snapshot);
    return { convNo: snapshot.convNo, convId: snapshot.convId, firstSeq, lastSeq };
  };
  return {
    dead,
    heir,
    ownership,
    forward: async (first: number, last: number) => peers.forward('heir', [await span(first, last)]),
    offline: (users: string[]) => peers.offline('heir', users as never[]),
    say: async (...texts: readonly string[]) => {
      const ada = await dead.signIn('ada', { deviceId: 'the dead one' });
      for (const text of texts) await ada.asked(say('g', text), 'sent');
      ada.hangUp();
    },
    async [Symbol.asyncDispose]() {
      await dead[Symbol.asyncDispose]();
      await heir[Symbol.asyncDispose]();
      await temp[Symbol.asyncDispose]();
    },
  };
}

describe('I5: what a dead node committed', () => {
  it('is read and forwarded by the owner, which knew nothing of it', async () => {
    await using scene = await open();
    const bob = await scene.heir.signIn('bob');
    await bob.asked(say('g', 'hot'), 'sent');
    await bob.delivered('g', 2);
    const cyd = await scene.heir.signIn('cyd');
    await scene.say('three', 'four');
    await scene.dead.add('ada', 'g', ['cyd']);
    assert.deepEqual(await scene.forward(3, 5), [0]);
    await bob.delivered('g', 5);
    await cyd.delivered('g', 5);
    // Its first look was at a conversation so young that it was told whole.
    assert.deepEqual(bob.liveSeqs('g'), [1, 2, 3, 4, 5]);
    assert.deepEqual(cyd.liveSeqs('g'), [5]);
  });

  it('is forwarded by an owner that did not hold the conversation, however old it is, once', async () => {
    await using scene = await open();
    await scene.say('two', 'three');
    // Too old for what a new owner looks back for by itself.
    scene.heir.clock.advance(60_000);
    const bob = await scene.heir.signIn('bob');
    assert.deepEqual(await scene.forward(2, 3), [0]);
    await bob.delivered('g', 3);
    assert.deepEqual(await scene.forward(2, 3), [0]);
    await bob.asked(say('g', 'four'), 'sent');
    await bob.delivered('g', 4);
    assert.deepEqual(bob.liveSeqs('g'), [2, 3, 4]);
  });

  it('is confirmed by its owner alone', async () => {
    await using scene = await open();
    await scene.say('two');
    scene.ownership.see([{ nodeId: 'somebody else' }]);
    assert.deepEqual(await scene.forward(2, 2), []);
    scene.ownership.see([{ nodeId: 'heir' }]);
    assert.deepEqual(await scene.forward(2, 2), [0]);
  });

  it('is not confirmed while an edge is not linked, which hears of it when it is', async () => {
    await using scene = await open();
    const { heir } = scene;
    const bob = await heir.signIn('bob');
    heir.message.seeEdges([{ nodeId: 'edge 0' }]);
    heir.edges[0]?.unlink();
    await scene.say('two');
    assert.deepEqual(await scene.forward(2, 2), []);
    heir.edges[0]?.relink();
    await bob.delivered('g', 2);
    assert.deepEqual(await scene.forward(2, 2), [0]);
    assert.deepEqual(bob.liveSeqs('g'), [1, 2]);
  });

  it('is not confirmed while the store can not be read', async () => {
    await using scene = await open();
    await scene.say('two');
    scene.heir.store.failReads('load', 1);
    assert.deepEqual(await scene.forward(2, 2), []);
    assert.deepEqual(await scene.forward(2, 2), [0]);
  });

  it('leaves out nobody when it is asked who is not there', async () => {
    await using scene = await open();
    await scene.heir.signIn('bob');
    assert.deepEqual(await scene.offline(['ada', 'bob', 'cyd']), ['ada', 'cyd']);
  });
});

describe('I5: a batch whose outcome nobody finds out', () => {
  it('is told to the relay, which looks for it in the outbox', async () => {
    const uncertain: bigint[] = [];
    const committed: bigint[] = [];
    await using temp = await TempStore.open();
    const nodes = await Nodes.open({
      store: temp.store,
      relay: {
        publishes: true,
        committed: (batchId) => void committed.push(batchId),
        uncertain: (batchId) => void uncertain.push(batchId),
        drain: async () => {},
        stop: async () => {},
      },
    });
    await nodes.createGroup('ada', 'g', []);
    const ada = await nodes.signIn('ada');
    nodes.store.script.push(
      { t: 'unknownAfter' },
      ...Array.from({ length: 50 }, () => ({ t: 'unavailable' }) as const),
    );
    ada.send(say('g', 'was it?'));
    await until(
      () => nodes.store.count('commit') >= 3,
      () => 'it was not tried again',
    );
    // Whoever stops has no time to find out.
    await nodes[Symbol.asyncDispose]();
    assert.equal(committed.length, 1);
    assert.deepEqual(uncertain, [nodes.store.batches.at(-1)?.batchId]);
    assert.equal((await nodes.log('g')).length, 2);
  });

  it('is told to the relay when the store has another epoch by then', async () => {
    const uncertain: bigint[] = [];
    await using temp = await TempStore.open();
    await using nodes = await Nodes.open({
      store: temp.store,
      relay: {
        publishes: true,
        committed: () => {},
        uncertain: (batchId) => void uncertain.push(batchId),
        drain: async () => {},
        stop: async () => {},
      },
    });
    await nodes.createGroup('ada', 'g', []);
    const ada = await nodes.signIn('ada');
    nodes.store.script.push({ t: 'unknownAfter' });
    const before = nodes.store.count('commit');
    nodes.store.beforeCommit = async () => {
      // The first try is written, and its answer lost; then the store is restored, to a copy that has it.
      if (nodes.store.count('commit') !== before + 2) return;
      nodes.store.beforeCommit = () => {};
      await nodes.store.inner.renewEpoch(nodes.store.epoch);
    };
    ada.send(say('g', 'was it?'));
    await until(
      () => uncertain.length > 0,
      () => 'nobody looks for it',
    );
    assert.deepEqual(uncertain, [nodes.store.batches.at(-1)?.batchId]);
    assert.equal((await nodes.log('g')).length, 2);
  });
});
