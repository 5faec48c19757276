import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Ownership } from '../../services/message/ownership.ts';
import { connectDirect } from '../../services/peer/direct-link.ts';
import type { EdgeFrame, OwnerFrame } from '../../services/peer/edge-frames.ts';
import { Nodes, say, sayTo } from '../helpers/nodes.ts';

const linksComeAgain = { recentMs: 30_000, aloneMs: 60_000 };

/** Two edges on one message node; bob's is cut off and comes again. */
async function twoEdges(): Promise<Nodes> {
  return Nodes.open({ edges: 2, linksComeAgain });
}

describe('a link that is cut and comes again', () => {
  it('I5: brings what was committed meanwhile to sessions that hear of the conversation already', async () => {
    await using nodes = await twoEdges();
    await nodes.createGroup('ada', 'g', ['bob']);
    const ada = await nodes.signIn('ada');
    const bob = await nodes.signIn('bob', { edge: 1 });
    await ada.asked(say('g', 'one'), 'sent');
    await bob.delivered('g', 2);
    nodes.edges[1]?.unlink();
    for (const text of ['two', 'three']) await ada.asked(say('g', text), 'sent');
    nodes.edges[1]?.relink();
    await bob.delivered('g', 4);
    await ada.asked(say('g', 'four'), 'sent');
    await bob.delivered('g', 5);
    assert.deepEqual(bob.liveSeqs('g'), [2, 3, 4, 5]);
    assert.equal(bob.closed, undefined);
  });

  it('I5: brings what was committed meanwhile in conversations that were quiet before', async () => {
    await using nodes = await twoEdges();
    const ada = await nodes.signIn('ada');
    const bob = await nodes.signIn('bob', { edge: 1 });
    nodes.edges[1]?.unlink();
    const { convId } = await ada.asked(sayTo('bob', 'one'), 'sent');
    await ada.asked(sayTo('bob', 'two'), 'sent');
    nodes.edges[1]?.relink();
    await bob.delivered(convId, 2);
    assert.deepEqual(bob.liveSeqs(convId), [1, 2]);
  });

  it('I5: brings them also where something is committed right after', async () => {
    await using nodes = await twoEdges();
    const ada = await nodes.signIn('ada');
    const bob = await nodes.signIn('bob', { edge: 1 });
    nodes.edges[1]?.unlink();
    const { convId } = await ada.asked(sayTo('bob', 'one'), 'sent');
    const later = ada.send(sayTo('bob', 'two'), sayTo('bob', 'three'));
    nodes.edges[1]?.relink();
    for (const id of later) await ada.answer(id);
    await bob.delivered(convId, 3);
    assert.deepEqual(bob.liveSeqs(convId), [1, 2, 3]);
  });

  it('I5: brings them also where the store can not be read at first', async () => {
    const ownership = new Ownership('alone');
    ownership.see([{ nodeId: 'alone' }]);
    await using nodes = await Nodes.open({ edges: 2, linksComeAgain, ownership });
    const ada = await nodes.signIn('ada');
    const bob = await nodes.signIn('bob', { edge: 1 });
    nodes.edges[1]?.unlink();
    const { convId } = await ada.asked(sayTo('bob', 'one'), 'sent');
    // What others may have written to meanwhile is read again before it is told.
    nodes.clock.advance(2_000);
    nodes.store.failReads('heads', 2);
    nodes.edges[1]?.relink();
    await bob.delivered(convId, 1);
    assert.equal(nodes.store.failingReads.get('heads'), 0, 'this is what the test is about');
    assert.deepEqual(bob.liveSeqs(convId), [1]);
  });

  it('I5: brings what is committed while the edge names its sessions to those that it names later, too', async () => {
    await using nodes = await Nodes.open({ edges: 1, linksComeAgain });
    /** What the edge sends after it has named so many sessions waits until the rest is let through. */
    let passing = Number.POSITIVE_INFINITY;
    let letThrough = (): void => {};
    const link = () => {
      let names = 0;
      return connectDirect<EdgeFrame, OwnerFrame>({
        a: (end) => node.connectMessages(end, 'message', nodes.store.epoch),
        b: (end) => {
          const { frames, down } = nodes.message.acceptEdge(end, 'edge 1');
          const held: EdgeFrame[] = [];
          letThrough = () => {
            passing = Number.POSITIVE_INFINITY;
            frames(held.splice(0));
          };
          const take = (frame: EdgeFrame): void => {
            if (names < passing) frames([frame]);
            else held.push(frame);
            if (frame.t === 'sessionUp') names += 1;
          };
          return { frames: (sent) => sent.forEach(take), down };
        },
        limitBytes: 1 << 28,
      });
    };
    let present: ReturnType<typeof link> | undefined;
    const node = nodes.addUnlinkedEdge({
      unlink: () => present?.close('a test cuts it'),
      relink: () => {
        present = link();
      },
    });
    const edge = nodes.edges[1];
    edge?.relink();
    const ada = await nodes.signIn('ada');
    const bob = await nodes.signIn('bob', { edge: 1 });
    const cyd = await nodes.signIn('cyd', { edge: 1 });
    edge?.unlink();
    passing = 1;
    edge?.relink();
    await new Promise((resolve) => setImmediate(resolve));
    // The edge has no room for it, from which it would ask for what came since.
    await nodes.createGroup('ada', 'g', ['bob', 'cyd']);
    await ada.asked(say('g', 'while it names them'), 'sent');
    nodes.message.seeEdges([{ nodeId: 'edge 0' }, { nodeId: 'edge 1' }]);
    assert.equal(nodes.message.linked, false, 'what it was not told of must stay in the outbox');
    letThrough();
    for (const session of [bob, cyd]) {
      await session.delivered('g', 2);
      assert.deepEqual(session.liveSeqs('g'), [1, 2]);
    }
    assert.equal(nodes.message.linked, true);
  });

  it('I2: is cut by a node that has hung, which does nothing of what it was asked for before', async () => {
    await using nodes = await Nodes.open({ linksComeAgain, stallMs: 2_000 });
    const ada = await nodes.signIn('ada');
    await ada.asked(sayTo('bob', 'one'), 'sent');
    nodes.clock.advance(2_001);
    const [id] = ada.send(sayTo('bob', 'two', 'the second'));
    const { event } = await ada.answer(id as number);
    assert.ok(event.case === 'error' && ['notOwner', 'ownerLost'].includes(event.value.reason));
    while (nodes.message.edges > 0) await new Promise((resolve) => setTimeout(resolve, 10));
    nodes.edges[0]?.relink();
    const { seq, duplicate } = await ada.asked(sayTo('bob', 'two', 'the second'), 'sent');
    assert.deepEqual([seq, duplicate], [2n, false]);
  });

  it('refuses what is under way with a reason to try again, and then carries it out once', async () => {
    await using nodes = await twoEdges();
    const ada = await nodes.signIn('ada');
    const [id] = ada.send(sayTo('bob', 'one', 'the one'));
    nodes.edges[0]?.unlink();
    const { event } = await ada.answer(id as number);
    assert.ok(event.case === 'error' && event.value.reason === 'ownerLost');
    nodes.edges[0]?.relink();
    const { seq } = await ada.asked(sayTo('bob', 'one', 'the one'), 'sent');
    assert.equal(seq, 1n);
    assert.equal(ada.closed, undefined);
  });

  it('does not end the session of a device that has gone to another edge meanwhile, but the one that it left', async () => {
    await using nodes = await twoEdges();
    const phone = { deviceId: 'phone' };
    // It leaves without a word.
    const left = await nodes.signIn('ada', phone);
    nodes.edges[0]?.unlink();
    nodes.clock.advance(6_000);
    const live = await nodes.signIn('ada', { ...phone, edge: 1 });
    nodes.edges[0]?.relink();
    assert.equal((await left.end()).reason, 'superseded');
    await live.asked(sayTo('bob', 'I am here'), 'sent');
    assert.equal(live.closed, undefined);
  });

  it('takes the place of the one that the edge has lost, though the message node had not noticed', async () => {
    await using nodes = await twoEdges();
    const ada = await nodes.signIn('ada', { deviceId: 'phone' });
    nodes.edges[0]?.relink();
    while (nodes.message.edges > 2) await new Promise((resolve) => setTimeout(resolve, 10));
    const bob = await nodes.signIn('bob', { edge: 1 });
    const { convId } = await bob.asked(sayTo('ada', 'still there?'), 'sent');
    await ada.delivered(convId, 1);
    assert.deepEqual(ada.liveSeqs(convId), [1]);
    assert.equal(ada.closed, undefined);
  });

  it('lets a user who comes meanwhile wait no longer than it takes', async () => {
    await using nodes = await twoEdges();
    nodes.edges[1]?.unlink();
    const bob = nodes.connect(1);
    bob.send({ case: 'hello', value: { protocolVersion: 1, deviceId: 'd', userId: 'bob' } });
    const { reason } = await bob.end();
    assert.equal(reason, 'upstreamUnavailable');
    nodes.edges[1]?.relink();
    await nodes.signIn('bob', { edge: 1 });
  });
});
