import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { ConversationStateSchema } from '../gen/parley/chat/v1/conversation_pb.ts';
import { EntrySchema } from '../gen/parley/chat/v1/entry_pb.ts';
import { type Event, EventSchema, SyncSchema } from '../gen/parley/chat/v1/session_pb.ts';
import { Retry } from '../gen/parley/chat/v1/error_pb.ts';
import { Conversation } from './conversation.ts';
import { buildSync, Syncer } from './sync.ts';

function conversation(convId: string, headSeq: number): Conversation {
  const one = new Conversation({ convId, self: 'me' });
  const entries =
    headSeq === 0
      ? []
      : [
          create(EntrySchema, {
            convId,
            seq: BigInt(headSeq),
            msgId: 7n,
            content: { case: 'recall', value: {} },
          }),
        ];
  one.apply(create(ConversationStateSchema, { convId, headSeq: BigInt(headSeq), rev: 3n, entries }), 0);
  one.activeAtMs = headSeq;
  return one;
}

describe('sync', () => {
  test('names what the device has without a gap, and its places', () => {
    const one = conversation('a', 5);
    one.log.noteHead(9);
    one.markRead(5);
    const sync = buildSync('epoch', [one, new Conversation({ convId: 'd_new', self: 'me', peer: 'bob' })]);
    assert.equal(sync.storeEpoch, 'epoch');
    assert.deepEqual(
      sync.known.map(({ convId, headSeq, headMsgId, rev, readSeq, deliveredSeq }) => [
        convId,
        headSeq,
        headMsgId,
        rev,
        readSeq,
        deliveredSeq,
      ]),
      [['a', 5n, 7n, 3n, 5n, 5n]],
    );
  });

  test('of too many conversations names the most recently active ones, within a frame', () => {
    const many = Array.from({ length: 6_000 }, (_, n) =>
      conversation(`conversation-${n}-${'x'.repeat(40)}`, n + 1),
    );
    const sync = buildSync('epoch', many);
    assert.ok(toBinary(SyncSchema, sync).byteLength < 220 * 1024);
    assert.ok(sync.known.length > 800);
    assert.ok(sync.known.every((known) => Number(known.headSeq) > 6_000 - sync.known.length));
  });
});

describe('following a sync', () => {
  function syncer() {
    const asked: ((event: Event | undefined) => boolean)[] = [];
    const log: string[] = [];
    const clock = { nowMs: 0 };
    const one = new Syncer({
      ask: (_, handler) => asked.push(handler),
      build: () => create(SyncSchema),
      onChanges: (changes) => log.push(`page ${changes.removed.join()}`),
      onDone: (complete) => log.push(complete ? 'done' : 'refused'),
      nowMs: () => clock.nowMs,
      random: () => 0.5,
    });
    return { one, asked, log, clock };
  }
  const page = (removed: string[], done: boolean): Event =>
    create(EventSchema, { event: { case: 'changes', value: { removed, done } } });

  test('goes on to the last page', () => {
    const { one, asked, log } = syncer();
    one.begin();
    assert.equal(asked[0]?.(page(['a'], false)), true);
    assert.equal(one.running, true);
    assert.equal(asked[0]?.(page(['b'], true)), false);
    assert.deepEqual([one.running, log], [false, ['page a', 'page b', 'done']]);
  });

  test('is not begun while one runs, and then once for all reasons', () => {
    const { one, asked, clock } = syncer();
    one.begin();
    one.again();
    one.again();
    one.tick(10_000);
    assert.equal(asked.length, 1);
    asked[0]?.(page([], true));
    assert.equal(one.dueMs(), 50);
    clock.nowMs = 50;
    one.tick(50);
    one.tick(50);
    assert.equal(asked.length, 2);
  });

  test('is tried again when it was refused for now, no sooner than it may, and not in step with others', () => {
    const { one, asked, log } = syncer();
    one.begin();
    const refusal = { reason: 'storeUnavailable', retry: Retry.HERE, retryAfterMs: 5_000 };
    asked[0]?.(create(EventSchema, { event: { case: 'error', value: refusal } }));
    assert.deepEqual([one.dueMs(), log], [7_500, ['refused']]);
    one.lost();
    assert.equal(one.dueMs(), Number.POSITIVE_INFINITY);
  });
});
