import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { SendRequestSchema } from '../../gen/parley/chat/v1/message_pb.ts';
import type { ConvId, UserId } from '../../services/core/ids.ts';
import type { EdgeFrame, OwnerFrame } from '../../services/peer/edge-frames.ts';
import type { Link } from '../../services/peer/link.ts';
import { Ownership } from '../../services/message/ownership.ts';
import { Nodes, say, sayTo } from '../helpers/nodes.ts';
import { TempStore } from '../helpers/temp-store.ts';
import type { TestSession } from '../helpers/test-session.ts';

type Bare = ReturnType<Nodes['bareEdge']>;
type Command = Extract<EdgeFrame, { t: 'command' }>;

/** An open session on an edge whose message node the test plays. */
async function open(nodes: Nodes): Promise<Bare & { readonly session: TestSession }> {
  const bare = nodes.bareEdge();
  const session = bare.door.open();
  session.send({ case: 'hello', value: { protocolVersion: 1, deviceId: 'd', userId: 'ada' } });
  while (bare.asked.length === 0) await new Promise((resolve) => setImmediate(resolve));
  bare.say({ t: 'registered', session: (bare.asked[0] as { session: number }).session });
  await session.until(({ event }) => event.case === 'welcome');
  return { ...bare, session };
}

const commands = ({ asked }: Bare): Command[] =>
  asked.filter((frame): frame is Command => frame.t === 'command');
const sent = ({ call, op }: Command, seq: number): OwnerFrame => {
  const convId = (op.t === 'send' ? op.convId : '') as ConvId;
  return {
    t: 'reply',
    call,
    result: { t: 'sent', convId, seq, msgId: BigInt(seq), createdAtMs: 1, duplicate: false },
  };
};

describe('an edge and a message node that does not do what it should', () => {
  it('a command without an answer is refused in time, and a late answer is ignored', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    await using nodes = await Nodes.open({ connection: { callTimeoutMs: 5_000, pingIntervalMs: 60_000 } });
    const edge = await open(nodes);
    await edge.node.start();
    const [a] = edge.session.send(sayTo('bob', 'a', 'a'));
    nodes.clock.advance(5_001);
    t.mock.timers.tick(1_000);
    const { event } = await edge.session.answer(a as number);
    assert.ok(event.case === 'error' && event.value.reason === 'timedOut' && event.value.retry === 2);
    const [first] = commands(edge);
    assert.ok(first);
    edge.say(sent(first, 1));
    const [b] = edge.session.send(sayTo('bob', 'b', 'b'));
    assert.ok((await edge.session.answer(b as number)).event.case === 'error', 'a has its place before it');
    const [again] = edge.session.send(sayTo('bob', 'a', 'a'));
    const second = commands(edge)[1];
    assert.ok(second?.op.t === 'send' && first.op.t === 'send' && second.op.chain > first.op.chain);
    edge.say(sent(second, 1));
    assert.equal((await edge.session.answer(again as number)).event.case, 'sent');
    assert.equal(edge.session.of('sent').length, 1);
    await edge.node.stop('test');
  });

  it('an answer that can not be understood costs nothing but itself', async () => {
    await using nodes = await Nodes.open();
    const edge = await open(nodes);
    const [a, b] = edge.session.send({ case: 'list', value: { convId: 'g' } }, sayTo('bob', 'b'));
    const [list, send] = commands(edge);
    assert.ok(list && send);
    edge.say({ t: 'reply', call: list.call, result: undefined as never }, sent(send, 1));
    assert.equal((await edge.session.answer(b as number)).event.case, 'sent');
    assert.ok(a);
    assert.equal(edge.session.closed, undefined);
  });

  it('a link that breaks ends sessions and calls, each with a reason to come back', async () => {
    await using nodes = await Nodes.open();
    const edge = await open(nodes);
    const [id] = edge.session.send(sayTo('bob', 'a'));
    const body = { content: { case: 'text', value: 'x' } } as const;
    const target = { case: 'to', value: 'bob' } as const;
    const request = create(SendRequestSchema, { send: { target, clientId: 'x', body } });
    const context = { bearer: undefined, user: 'bob', remoteAddress: '' };
    const call = edge.node.call('parley.chat.v1.MessageService/Send', request, context);
    const failed = assert.rejects(call, { reason: 'ownerLost' });
    while (commands(edge).length < 2) await new Promise((resolve) => setImmediate(resolve));
    edge.down('a test');
    await failed;
    const { event } = await edge.session.answer(id as number);
    assert.ok(event.case === 'error' && event.value.reason === 'ownerLost' && event.value.retry === 3);
    assert.deepEqual(await edge.session.end(), { code: 4503, reason: 'ownerLost' });
  });

  it('unknown sessions and calls are passed over', async () => {
    await using nodes = await Nodes.open();
    const edge = await open(nodes);
    edge.say(
      { t: 'registered', session: 99 },
      { t: 'superseded', session: 99 },
      { t: 'refused', call: 99, refusal: { reason: 'internal', message: '', field: '', retryAfterMs: 0 } },
      { t: 'typing', audience: 99, convId: 'g' as ConvId, userId: 'bob' as never, active: true },
    );
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(edge.session.closed, undefined);
  });
});

describe('a message node whose edge asks who hears', () => {
  it('I5: tells of it from behind the last entry at most, whatever was asked for in a store that was restored since', async () => {
    await using nodes = await Nodes.open();
    await nodes.createGroup('ada', 'g', ['bob']);
    const { told, say: ask } = nodes.bareLink();
    const convId = 'g' as ConvId;
    ask(
      { t: 'sessionUp', session: 1, userId: 'ada' as UserId, deviceId: 'd', ageMs: 1 },
      { t: 'snapshotEnd' },
      { t: 'audienceUnknown', audience: 0, convId, seq: 30 },
    );
    const audience = () => told.find((frame) => frame.t === 'audience' && frame.convId === convId);
    while (audience() === undefined) await new Promise((resolve) => setImmediate(resolve));
    assert.partialDeepStrictEqual(audience(), { nextSeq: 2, whole: true });
  });

  it('I4: reads what another owner has written before it names anybody to an edge that has heard of more', async () => {
    await using temp = await TempStore.open();
    await using former = await Nodes.open({ store: temp.store });
    const ownership = new Ownership('heir');
    ownership.see([{ nodeId: 'heir' }]);
    await using heir = await Nodes.open({ store: temp.store, ownership });
    await former.createGroup('ada', 'g', ['bob']);
    const ada = await heir.signIn('ada', { deviceId: 'first look' });
    await ada.asked({ case: 'list', value: { convId: 'g' } }, 'entries');
    await former.kick('ada', 'g', 'bob');
    const { told, say: ask } = heir.bareLink();
    const convId = 'g' as ConvId;
    ask(
      { t: 'sessionUp', session: 1, userId: 'ada' as UserId, deviceId: 'd', ageMs: 1 },
      { t: 'sessionUp', session: 2, userId: 'bob' as UserId, deviceId: 'd', ageMs: 1 },
      { t: 'snapshotEnd' },
      { t: 'audienceUnknown', audience: 0, convId, seq: 3 },
    );
    const audience = () => told.find((frame) => frame.t === 'audience' && frame.convId === convId);
    while (audience() === undefined) await new Promise((resolve) => setImmediate(resolve));
    assert.partialDeepStrictEqual(audience(), { knownSeq: 2, whole: true });
    assert.deepEqual(
      told
        .flatMap((frame) => (frame.t === 'audience' ? frame.users : []))
        .filter(({ userId, lastSeq }) => userId === 'bob' && lastSeq === 0),
      [],
      'who is no member hears of nothing more',
    );
  });
});

describe('I6: a link that can take no more', () => {
  it('refuses commands with a retry', async () => {
    await using nodes = await Nodes.open();
    nodes.addEdge(1_000);
    const ada = await nodes.signIn('ada', { edge: 1 });
    const get = { case: 'get', value: { convId: 'g', seq: 1n } } as const;
    const ids = ada.send(get, get, get, get, get, get, get);
    const events = await Promise.all(ids.map((id) => ada.answer(id)));
    assert.deepEqual(
      events.map(({ event }) => event.case === 'error' && event.value.reason),
      [...Array(5).fill('conversationNotFound'), 'overloaded', 'overloaded'],
    );
    assert.equal(ada.closed, undefined);
  });

  it('is closed where something would be lost unseen, and its sessions come back', async () => {
    await using nodes = await Nodes.open();
    nodes.addEdge(4_000);
    await nodes.createGroup('ada', 'g', ['bob', 'cyd']);
    const [ada, bob, cyd] = [
      await nodes.signIn('ada'),
      await nodes.signIn('bob', { edge: 1 }),
      await nodes.signIn('cyd'),
    ];
    ada.send(...[1, 2, 3, 4, 5].map((no) => say('g', `${no}`.repeat(900))));
    assert.deepEqual(await bob.end(), { code: 4503, reason: 'ownerLost' });
    await cyd.delivered('g', 6);
  });
});

describe('development: groups made on first use', () => {
  it('what is sent meanwhile waits, and keeps its order', async () => {
    await using nodes = await Nodes.open();
    const ada = await nodes.signIn('ada', { openGroups: true });
    const texts = Array.from({ length: 30 }, (_, at) => `${at}`);
    const ids = ada.send(...texts.map((text) => say('new', text)));
    const answers = await Promise.all(ids.map((id) => ada.answer(id)));
    assert.deepEqual(
      answers.map(({ event }) => (event.case === 'sent' ? Number(event.value.seq) : event.case)),
      texts.map((_, at) => at + 2),
    );
    const bob = await nodes.signIn('bob', { openGroups: true });
    await bob.asked(say('new', 'me, too'), 'sent');
    await ada.delivered('new', 33);
  });

  it('I2: where it can’t be made now, all are refused, and pass later in their first order', async () => {
    await using nodes = await Nodes.open();
    const ada = await nodes.signIn('ada', { openGroups: true });
    nodes.unlinkGroups();
    const outcome = async (ids: readonly number[]) =>
      (await Promise.all(ids.map((id) => ada.answer(id)))).map(({ event }) =>
        event.case === 'sent' ? Number(event.value.seq) : event.case === 'error' && event.value.reason,
      );
    const send = (...names: string[]) => outcome(ada.send(...names.map((name) => say('new', name, name))));
    assert.deepEqual(await send('a', 'b'), ['groupsUnavailable', 'groupsUnavailable']);
    nodes.linkGroups();
    assert.deepEqual(await send('c', 'b'), ['outOfOrder', 'outOfOrder']);
    assert.deepEqual(await send('a', 'b', 'c', 'd'), [2, 3, 4, 5]);
  });

  it('a group whose id can be none is refused', async () => {
    await using nodes = await Nodes.open();
    const ada = await nodes.signIn('ada', { openGroups: true });
    assert.equal((await ada.refusal(say('a\u0007b', 'x'))).reason, 'invalidId');
    assert.equal((await ada.refusal(say('d_nobody', 'x'))).reason, 'conversationNotFound');
  });
});

describe('many refusals in one batch', () => {
  it('cost the others nothing: those that can’t be confirmed at once are refused with a retry', async () => {
    await using nodes = await Nodes.open();
    const [ada, eve] = [await nodes.signIn('ada'), await nodes.signIn('eve')];
    const frames = [0, 1].flatMap((frame) =>
      eve.send(...Array.from({ length: 200 }, (_, at) => say(`none ${frame} ${at}`, 'x'))),
    );
    const [id] = ada.send(sayTo('bob', 'x'));
    const answers = await Promise.all(frames.map((one) => eve.answer(one)));
    const reasons = new Set(
      answers.map(({ event }) => (event.case === 'error' ? event.value.reason : event.case)),
    );
    assert.deepEqual([...reasons].sort(), ['conversationNotFound', 'overloaded']);
    assert.equal((await ada.answer(id as number)).event.case, 'sent');
    assert.ok(nodes.message.hotConversations <= 1);
  });

  it('what came by a link is void where an answer before it has overfilled it', async () => {
    await using nodes = await Nodes.open();
    let [room, isOpen] = [3, true];
    const link: Link<OwnerFrame> = {
      send: () => (isOpen ? (room-- > 0 ? 'queued' : 'full') : 'closed'),
      close: (reason) => {
        if (isOpen) events.down(reason);
        isOpen = false;
      },
    };
    const events = nodes.message.acceptEdge(link, 'an edge that reads nothing');
    const up = (session: number, userId: string) =>
      ({ t: 'sessionUp', session, userId: userId as UserId, deviceId: 'd', ageMs: 1 }) as const;
    events.frames([
      { t: 'snapshot', oldestMs: 1, told: undefined },
      up(1, 'ada'),
      { t: 'snapshotEnd' },
      { t: 'watch', users: ['u', 'v', 'w', 'x'] as UserId[] },
      up(2, 'bob'),
    ]);
    const cyd = await nodes.signIn('cyd');
    await cyd.asked({ case: 'watch', value: { userIds: ['ada', 'bob'] } }, 'pong');
    assert.deepEqual(
      cyd.of('presence').map(({ userId, online }) => [userId, online]),
      [
        ['ada', false],
        ['bob', false],
      ],
    );
  });
});
