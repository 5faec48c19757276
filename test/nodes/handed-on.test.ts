import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MessageService } from '../../gen/parley/chat/v1/message_pb.ts';
import { Fault } from '../../services/core/fault.ts';
import { testTracer } from '../../services/core/testing/test-tracer.ts';
import type { Tracer } from '../../services/core/tracer.ts';
import { Ownership } from '../../services/message/ownership.ts';
import { PeerCalls } from '../../services/peer/peer-calls.ts';
import { until } from '../e2e/support/until.ts';
import { GrpcLinks } from '../helpers/grpc-link.ts';
import { Nodes, say } from '../helpers/nodes.ts';
import { TempStore } from '../helpers/temp-store.ts';

const named = (...nodeIds: string[]) => nodeIds.map((nodeId) => ({ nodeId }));

/** `former`'s edges believe that it still owns all that is `owner`'s by now; the nodes are linked over gRPC. */
async function open(tracers: { readonly former?: Tracer; readonly owner?: Tracer } = {}) {
  const temp = await TempStore.open();
  const ownership = { former: new Ownership('former'), owner: new Ownership('owner') };
  ownership.former.see(named('owner'));
  ownership.owner.see(named('owner'));
  const others = new PeerCalls({ timeoutMs: 30_000 });
  const shared = { store: temp.store, linksComeAgain: { recentMs: 60_000, aloneMs: 60_000 } };
  const owner = await Nodes.open({ ...shared, ownership: ownership.owner, tracer: tracers.owner });
  const former = await Nodes.open({ ...shared, ownership: ownership.former, others, tracer: tracers.former });
  const links = await GrpcLinks.serve({ acceptPeer: (link) => owner.message.peers.accept(link) });
  const { counters } = links.dialPeer('former', (link) => others.attach(link, 'owner'));
  await until(
    () => others.isLinked('owner'),
    () => 'the nodes are not linked',
  );
  return {
    former,
    owner,
    ownership,
    links,
    /** Frames that were handed on so far. */
    handedOn: () => counters.framesOut,
    async [Symbol.asyncDispose]() {
      await former[Symbol.asyncDispose]();
      await links[Symbol.asyncDispose]();
      await owner[Symbol.asyncDispose]();
      await temp[Symbol.asyncDispose]();
    },
  };
}

const { send, listMessages } = MessageService.method;
const message = (text: string) => ({ send: say('g', text).value });

describe('a message node that is asked for what another one owns', () => {
  it('hands unary calls on, one frame each, and passes the answers back', async () => {
    await using scene = await open();
    const { former, owner } = scene;
    await former.createGroup('ada', 'g', ['bob']);
    const { sent } = await former.call(send, message('hi'), 'ada');
    const page = await former.call(listMessages, { list: { convId: 'g', fromSeq: 1n, limit: 10 } }, 'bob');
    assert.equal(sent?.seq, 2n);
    assert.deepEqual(
      page.entries?.entries.map(({ seq }) => seq),
      [1n, 2n],
    );
    assert.equal(scene.handedOn(), 3);
    assert.equal(former.message.meters.handedOn, 3);
    assert.deepEqual([...former.message.meters.processed.keys()], []);
    assert.equal(owner.message.meters.processed.get('send'), 1);
  });

  it('hands their traces on with them', async () => {
    const [atFormer, atOwner] = [testTracer(), testTracer()];
    await using scene = await open({ former: atFormer.tracer, owner: atOwner.tracer });
    await scene.former.createGroup('ada', 'g', ['bob']);
    await scene.former.call(send, message('hi'), 'ada');
    const [here] = atFormer.spans().filter(({ name }) => name === 'message send');
    const [there] = atOwner.spans().filter(({ name }) => name === 'message send');
    assert.equal(there?.parentSpanContext?.spanId, here?.spanContext().spanId);
    assert.equal(there?.spanContext().traceId, here?.spanContext().traceId);
    assert.equal(there?.attributes['parley.seq'], 2);
  });

  it('passes refusals back as they are', async () => {
    await using scene = await open();
    await scene.former.createGroup('ada', 'g', ['bob']);
    await assert.rejects(
      scene.former.call(send, message('hi'), 'eve'),
      (error) => error instanceof Fault && error.reason === 'notMember',
    );
  });

  it('hands the commands of a session on, but not its sends: those are refused, and their order kept', async () => {
    await using scene = await open();
    const { former, owner, ownership } = scene;
    await owner.createGroup('ada', 'g', ['bob']);
    const bob = await former.signIn('bob');
    const page = await bob.asked({ case: 'list', value: { convId: 'g', fromSeq: 1n, limit: 10 } }, 'entries');
    assert.equal(page.entries.length, 1);
    assert.equal(scene.handedOn(), 1);
    const refused = await bob.asked(say('g', 'one', 'one'), 'error');
    assert.equal(refused.reason, 'notOwner');
    assert.equal(scene.handedOn(), 1);
    // What was refused goes first, whoever owns it by now.
    ownership.former.see(named('former'));
    assert.equal((await bob.asked(say('g', 'two', 'two'), 'error')).reason, 'outOfOrder');
    await bob.asked(say('g', 'one', 'one'), 'sent');
    await bob.asked(say('g', 'two', 'two'), 'sent');
  });

  it('is refused by the next one that is not the owner either: nothing is handed on twice', async () => {
    await using scene = await open();
    const { former, owner, ownership } = scene;
    await owner.createGroup('ada', 'g', ['bob']);
    // Each believes that it is the other.
    ownership.owner.see(named('former'));
    const bob = await former.signIn('bob');
    const list = { case: 'list', value: { convId: 'g', fromSeq: 1n, limit: 10 } } as const;
    const refused = await bob.asked(list, 'error');
    assert.equal(refused.reason, 'notOwner');
    assert.equal(scene.handedOn(), 1);
    assert.equal(owner.message.meters.handedOn, 0);
  });

  it('refuses while it is not linked to the owner', async () => {
    await using scene = await open();
    const { former, ownership } = scene;
    ownership.former.see(named('somebody else'));
    const bob = await former.signIn('bob');
    const list = { case: 'list', value: { convId: 'g', fromSeq: 1n, limit: 10 } } as const;
    assert.equal((await bob.asked(list, 'error')).reason, 'notOwner');
    assert.equal(scene.handedOn(), 0);
  });

  it('does not carry out what may not be handed on', async () => {
    await using temp = await TempStore.open();
    await using nodes = await Nodes.open({ store: temp.store });
    const others = new PeerCalls({ timeoutMs: 30_000 });
    await using links = await GrpcLinks.serve({ acceptPeer: (link) => nodes.message.peers.accept(link) });
    links.dialPeer('other', (link) => others.attach(link, 'owner'));
    await until(
      () => others.isLinked('owner'),
      () => 'the nodes are not linked',
    );
    const body = new Uint8Array([1]);
    const op = { t: 'send', convId: 'g', peer: undefined, clientId: 'c', body, chain: 1 } as never;
    await assert.rejects(
      others.command('owner', 'ada' as never, op, { epoch: temp.store.epoch }),
      (error) => error instanceof Fault && error.reason === 'unsupportedFrame',
    );
    assert.equal(nodes.message.meters.processed.size, 0);
  });

  it('I5: answers nobody who knows another epoch of the store: one of the two has not heard of a restore', async () => {
    await using temp = await TempStore.open();
    await using nodes = await Nodes.open({ store: temp.store });
    await nodes.createGroup('ada', 'g', ['bob']);
    const others = new PeerCalls({ timeoutMs: 30_000 });
    await using links = await GrpcLinks.serve({ acceptPeer: (link) => nodes.message.peers.accept(link) });
    links.dialPeer('other', (link) => others.attach(link, 'owner'));
    await until(
      () => others.isLinked('owner'),
      () => 'the nodes are not linked',
    );
    const op = { t: 'list', convId: 'g', fromSeq: 1, limit: 10, backward: false } as never;
    const ask = (epoch: string) => others.command('owner', 'ada' as never, op, { epoch });
    await assert.rejects(ask('another'), (error) => error instanceof Fault && error.reason === 'notOwner');
    for (const epoch of [temp.store.epoch, '']) assert.equal((await ask(epoch)).t, 'page');
  });
});
