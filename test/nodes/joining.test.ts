import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { UserId } from '../../services/core/ids.ts';
import { systemClock } from '../../services/core/clock.ts';
import { Joining } from '../../services/message/joining.ts';
import { Ownership } from '../../services/message/ownership.ts';
import { until } from '../e2e/support/until.ts';
import { GrpcLinks } from '../helpers/grpc-link.ts';
import { Nodes, say } from '../helpers/nodes.ts';
import { TempStore } from '../helpers/temp-store.ts';

const hourMs = 3_600_000;
const linksComeAgain = { recentMs: 60_000, aloneMs: 60_000 };
const named = (...nodeIds: string[]) => nodeIds.map((nodeId) => ({ nodeId }));

describe('a message node that joins edges over gRPC', () => {
  it('owns nothing before it knows the sessions of all of them', async () => {
    await using temp = await TempStore.open();
    // The edges are those of a node that is there already.
    await using present = await Nodes.open({ store: temp.store, linksComeAgain, edges: 2 });
    await present.createGroup('ada', 'g', ['bob']);
    const [ada, bob] = await Promise.all([
      present.signIn('ada', { edge: 0 }),
      present.signIn('bob', { edge: 1 }),
    ]);
    const joining = new Joining({ clock: systemClock, config: { leastMs: 0, mostMs: hourMs } });
    const ownership = new Ownership('fresh');
    ownership.see(named('message'));
    await using fresh = await Nodes.open({
      store: temp.store,
      linksComeAgain,
      ownership,
      joining,
      edges: 0,
    });
    let known: boolean[] | undefined;
    joining.start(() => {
      known = ['ada', 'bob'].map((user) => fresh.message.isOnline(user as UserId));
    });
    fresh.message.seeEdges(named('e0', 'e1'));
    await using links = await GrpcLinks.serve({
      acceptEdge: (link, peer) => fresh.message.acceptEdge(link, peer.nodeId, peer.storeEpoch),
    });
    const dial = (no: number) =>
      links.dialOwner(`e${no}`, (link) =>
        present.edges[no]!.node.connectMessages(link, 'fresh', temp.store.epoch),
      );
    dial(0);
    await until(
      () => fresh.message.isOnline('ada' as UserId),
      () => 'the first edge has not told of its session',
    );
    assert.equal(known, undefined, 'it does not know the sessions of the second edge');
    dial(1);
    await until(
      () => known !== undefined,
      () => 'it never owns anything',
    );
    assert.deepEqual(known, [true, true]);
    // From here on all is its own, and what it commits reaches sessions that were there before.
    ownership.see(named('fresh'));
    for (const { node } of present.edges) node.see(named('fresh'));
    await ada.asked(say('g', 'hi'), 'sent');
    await bob.delivered('g', 2);
  });
});
