import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConversationService } from '../../gen/parley/chat/v1/conversation_pb.ts';
import { MessageService } from '../../gen/parley/chat/v1/message_pb.ts';
import { Nodes, say, sayTo } from '../helpers/nodes.ts';
import { TempStore } from '../helpers/temp-store.ts';
import type { TestSession } from '../helpers/test-session.ts';

const cursors = (session: TestSession) =>
  session.of('cursor').map(({ userId, deliveredSeq, readSeq }) => `${userId} ${deliveredSeq} ${readSeq}`);
const read = (convId: string, seq: number) =>
  ({ case: 'read', value: { convId, seq: BigInt(seq) } }) as const;

describe('cursors of a direct conversation', () => {
  it('go to the peer at once; what was read also to own other devices', async () => {
    await using nodes = await Nodes.open({ edges: 2 });
    const ada = await nodes.signIn('ada');
    const [bob, phone] = [
      await nodes.signIn('bob', { edge: 1 }),
      await nodes.signIn('bob', { deviceId: 'phone' }),
    ];
    const { convId } = await ada.asked(sayTo('bob', 'one'), 'sent');
    await bob.delivered(convId, 1);
    bob.ack(convId, 1);
    await ada.when(() => cursors(ada).length === 1);
    await bob.asked(read(convId, 1), 'pong');
    await ada.when(() => cursors(ada).length === 2);
    await phone.when(() => cursors(phone).length === 1);
    assert.deepEqual([cursors(ada), cursors(phone)], [['bob 1 0', 'bob 1 1'], ['bob 1 1']]);
  });

  it('move by every item of a call, whatever becomes of the others', async () => {
    await using nodes = await Nodes.open();
    const [ada, bob] = [await nodes.signIn('ada'), await nodes.signIn('bob')];
    const { convId, msgId } = await ada.asked(sayTo('bob', 'one'), 'sent');
    await bob.delivered(convId, 1);
    const items = [
      { convId: 'nowhere', seq: 1n },
      { convId: '', seq: 9n },
      { convId: '', seq: 0n, msgId },
    ];
    const call = nodes.call(MessageService.method.ackMessages, { ack: { items } }, 'bob');
    await assert.rejects(call, { reason: 'conversationNotFound' });
    await ada.when(() => cursors(ada).length === 1);
    assert.deepEqual(cursors(ada), ['bob 1 0']);
  });

  it('never go back: not by older words, not through a restart', async () => {
    await using temp = await TempStore.open();
    const first = await Nodes.open({ store: temp.store });
    const before = { ada: await first.signIn('ada'), bob: await first.signIn('bob') };
    const { convId } = await before.ada.asked(sayTo('bob', '1'), 'sent');
    for (const text of ['2', '3', '4']) await before.ada.asked(say(convId, text), 'sent');
    await before.bob.asked(read(convId, 3), 'pong');
    await first[Symbol.asyncDispose]();

    await using nodes = await Nodes.open({ store: await temp.reopen() });
    const [ada, bob] = [await nodes.signIn('ada'), await nodes.signIn('bob')];
    await bob.asked(read(convId, 1), 'pong');
    await bob.asked({ case: 'ack', value: { items: [{ convId, seq: 4n }] } }, 'pong');
    await ada.when(() => cursors(ada).length > 0);
    assert.deepEqual(cursors(ada), ['bob 4 3']);
    const { readSeq } = await nodes.call(ConversationService.method.markRead, { convId, seq: 2n }, 'bob');
    assert.equal(readSeq, 3n);
    const { conversation } = await nodes.call(
      ConversationService.method.getConversation,
      { target: { case: 'convId', value: convId } },
      'bob',
    );
    assert.deepEqual([conversation?.readSeq, conversation?.deliveredSeq, conversation?.unread], [3n, 4n, 1n]);
  });

  it('move with an own send', async () => {
    await using nodes = await Nodes.open();
    const [ada, bob] = [await nodes.signIn('ada'), await nodes.signIn('bob')];
    const { convId } = await ada.asked(sayTo('bob', 'one'), 'sent');
    await bob.asked(sayTo('ada', 'two'), 'sent');
    for (const [session, unread] of [
      [ada, 1n],
      [bob, 0n],
    ] as const) {
      await session.ask({ case: 'sync', value: {} });
      const [state] = session.of('changes').flatMap(({ conversations }) => conversations);
      assert.deepEqual([state?.convId, state?.unread], [convId, unread]);
    }
  });

  it('that a device names in sync are told as if they had just moved', async () => {
    await using nodes = await Nodes.open({ edges: 2 });
    const [ada, bob] = [await nodes.signIn('ada', { edge: 1 }), await nodes.signIn('bob')];
    const phone = await nodes.signIn('bob', { deviceId: 'phone' });
    const { convId } = await ada.asked(sayTo('bob', 'one'), 'sent');
    await ada.asked(say(convId, 'two'), 'sent');
    const syncing = (known: { readSeq: bigint; deliveredSeq: bigint }) =>
      bob.ask({
        case: 'sync',
        value: { storeEpoch: nodes.store.epoch, known: [{ convId, headSeq: 2n, ...known }] },
      });
    await syncing({ readSeq: 0n, deliveredSeq: 1n });
    await ada.when(() => cursors(ada).length === 1);
    await syncing({ readSeq: 1n, deliveredSeq: 7n });
    await ada.when(() => cursors(ada).length === 2);
    await phone.when(() => cursors(phone).length === 1);
    // What is no news is told to nobody, nor is what comes behind it by the usual way.
    await syncing({ readSeq: 1n, deliveredSeq: 2n });
    await bob.asked(read(convId, 1), 'pong');
    await bob.asked(read(convId, 2), 'pong');
    await ada.when(() => cursors(ada).length === 3);
    assert.deepEqual(
      [cursors(ada), cursors(phone)],
      [
        ['bob 1 0', 'bob 2 1', 'bob 2 2'],
        ['bob 2 1', 'bob 2 2'],
      ],
    );
  });

  it('are taken from what a device names in sync, and told to the peer’s next sync', async () => {
    await using nodes = await Nodes.open();
    const [ada, bob] = [await nodes.signIn('ada'), await nodes.signIn('bob')];
    const { convId } = await ada.asked(sayTo('bob', 'one'), 'sent');
    const known = [{ convId, headSeq: 1n, readSeq: 1n, deliveredSeq: 7n }];
    await bob.ask({ case: 'sync', value: { storeEpoch: nodes.store.epoch, known } });
    await ada.ask({ case: 'sync', value: {} });
    const [state] = ada.of('changes').flatMap(({ conversations }) => conversations);
    assert.deepEqual([state?.peerReadSeq, state?.peerDeliveredSeq], [1n, 1n]);
  });

  it('of another epoch are void, with all that was known of it', async () => {
    await using nodes = await Nodes.open();
    const [ada, bob] = [await nodes.signIn('ada'), await nodes.signIn('bob')];
    const { convId } = await ada.asked(sayTo('bob', 'one'), 'sent');
    const known = [{ convId, headSeq: 1n, readSeq: 1n }];
    await bob.ask({ case: 'sync', value: { storeEpoch: 'another', known, entries: 5 } });
    const [state] = bob.of('changes').flatMap(({ conversations }) => conversations);
    assert.deepEqual([state?.readSeq, state?.entries.length], [0n, 1]);
  });
});

describe('cursors of a group', () => {
  it('are told as counts for its newest message, those of before a restart included', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    await using temp = await TempStore.open();
    const first = await Nodes.open({ store: temp.store });
    await first.createGroup('ada', 'g', ['bob', 'cyd']);
    const before = { ada: await first.signIn('ada'), bob: await first.signIn('bob') };
    await before.ada.asked(say('g', 'one'), 'sent');
    await before.bob.asked(read('g', 2), 'pong');
    await first.add('ada', 'g', ['dan']);
    await first[Symbol.asyncDispose]();

    await using nodes = await Nodes.open({ store: await temp.reopen() });
    const [ada, cyd] = [await nodes.signIn('ada'), await nodes.signIn('cyd')];
    const receipts = () =>
      ada.of('receipts').map(({ seq, delivered, read: seen }) => `${seq}: ${delivered} ${seen}`);
    await cyd.asked({ case: 'ack', value: { items: [{ convId: 'g', seq: 3n }] } }, 'pong');
    // Somebody has to have heard of the group on this edge, or it tells nobody.
    await ada.asked({ case: 'typing', value: { convId: 'g', active: true } }, 'pong');
    for (let ticks = 0; ticks < 50 && receipts().length === 0; ticks += 1) {
      t.mock.timers.tick(1_000);
      await ada.barrier();
    }
    assert.deepEqual(receipts(), ['3: 1 0'], 'without newest entries held, the head stands for the message');
    const { seq } = await ada.asked(say('g', 'two'), 'sent');
    await nodes.add('ada', 'g', ['eve']);
    await cyd.asked(read('g', Number(seq)), 'pong');
    for (let ticks = 0; ticks < 50 && receipts().length === 1; ticks += 1) {
      t.mock.timers.tick(1_000);
      await ada.barrier();
    }
    assert.deepEqual(receipts().at(-1), `${seq}: 2 2`);
  });

  it('are told once a second, however many move', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    await using nodes = await Nodes.open();
    await nodes.createGroup('ada', 'g', ['bob', 'cyd']);
    const [ada, bob, cyd] = [await nodes.signIn('ada'), await nodes.signIn('bob'), await nodes.signIn('cyd')];
    const { seq } = await ada.asked(say('g', 'one'), 'sent');
    for (const session of [bob, cyd]) {
      await session.delivered('g', Number(seq));
      session.ack('g', Number(seq));
      await session.asked(read('g', Number(seq)), 'pong');
      await session.barrier();
    }
    t.mock.timers.tick(1_000);
    t.mock.timers.tick(1_000);
    await ada.until(({ event }) => event.case === 'receipts');
    await ada.barrier();
    assert.deepEqual(
      ada.of('receipts').map(({ delivered, read: seen }) => [delivered, seen]),
      [[3, 3]],
    );
    assert.deepEqual(cursors(ada), [], 'no single cursors');
  });
});
