import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GrpcLinks } from '../helpers/grpc-link.ts';
import { Nodes, say, sayTo } from '../helpers/nodes.ts';
import type { LinkCounters } from '../../services/peer/stream-link.ts';

const linksComeAgain = { recentMs: 30_000, aloneMs: 60_000 };

/** Message, group and connection nodes with nothing but streams between them. */
async function open(edges = 2) {
  const stack = new AsyncDisposableStack();
  const nodes = stack.use(await Nodes.open({ edges: 0, groups: false, linksComeAgain }));
  const links = stack.use(
    await GrpcLinks.serve({
      acceptEdge: (link, peer) => nodes.message.acceptEdge(link, peer.nodeId),
      acceptMessages: (link) => nodes.group.accept(link),
    }),
  );
  const group = links.dialGroup((link) => nodes.message.connectGroup(link));
  const counters: LinkCounters[] = [];
  for (let no = 0; no < edges; no += 1) {
    let cut = () => {};
    const node = nodes.addUnlinkedEdge({ unlink: () => cut(), relink: () => {} });
    const linked = Promise.withResolvers<void>();
    const dialed = links.dialOwner(`edge-${no}`, (link, peer) => {
      cut = () => link.close('a test cuts it');
      // Once the node has been told.
      setImmediate(linked.resolve);
      return node.connectMessages(link, peer.nodeId, peer.storeEpoch);
    });
    counters.push(dialed.counters);
    await linked.promise;
  }
  while (!group.dialer.open) await new Promise((resolve) => setImmediate(resolve));
  return { nodes, counters, group: group.counters, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

describe('nodes with nothing but streams between them', () => {
  it('carry a chat: every command, entry and decision crosses as a frame of its stream', async () => {
    await using cluster = await open();
    const { nodes, counters, group } = cluster;
    const [ada, bob] = [await nodes.signIn('ada'), await nodes.signIn('bob', { edge: 1 })];
    await nodes.createGroup('ada', 'g', ['bob']);
    const before = counters.map((counted) => ({ ...counted }));
    const ids = Array.from({ length: 50 }, (_, no) => say('g', `text ${no}`)).flatMap((one) => ada.send(one));
    for (const id of ids) assert.equal((await ada.answer(id)).event.case, 'sent');
    await bob.delivered('g', 51);
    assert.deepEqual(
      bob.liveSeqs('g').slice(-50),
      Array.from({ length: 50 }, (_, no) => no + 2),
    );
    const grown = counters.map((now, no) => ({
      out: now.framesOut - (before[no]?.framesOut ?? 0),
      in: now.framesIn - (before[no]?.framesIn ?? 0),
      messages: now.messagesOut - (before[no]?.messagesOut ?? 0),
    }));
    assert.ok((grown[0]?.out ?? 0) >= 50, 'a frame a command');
    assert.ok((grown[0]?.in ?? 0) >= 100, 'an answer and an entry for each');
    assert.ok((grown[1]?.in ?? 0) >= 50, 'a frame an entry');
    assert.ok((grown[0]?.messages ?? 50) < 50, 'frames travel together');
    assert.ok(group.framesOut >= 2 && group.framesIn >= 2, 'the decision, and what became of it');
  });

  it('say no more when the stream is cut, and go on with the next one without a gap', async () => {
    await using cluster = await open();
    const { nodes } = cluster;
    const [ada, bob] = [await nodes.signIn('ada'), await nodes.signIn('bob', { edge: 1 })];
    const { convId } = await ada.asked(sayTo('bob', 'one'), 'sent');
    await bob.delivered(convId, 1);
    nodes.edges[1]?.unlink();
    for (const text of ['two', 'three', 'four']) await ada.asked(sayTo('bob', text), 'sent');
    await bob.delivered(convId, 4);
    assert.deepEqual(bob.liveSeqs(convId), [1, 2, 3, 4]);
    nodes.edges[0]?.unlink();
    const [id] = ada.send(sayTo('bob', 'five', 'five'));
    const { event } = await ada.answer(id as number);
    assert.ok(event.case === 'error' && event.value.reason === 'ownerLost', event.case);
  });
});
