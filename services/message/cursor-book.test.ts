import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type ByteString } from '../core/byte-string.ts';
import { type NewEntry, StoreError } from '../ports/message-store.ts';
import type { Conversation } from './conversation.ts';
import { CursorBook } from './cursor-book.ts';
import { HotConversations } from './hot-conversations.ts';
import { MemoryStore } from './testing/memory-store.ts';
import { ada, bob, groupOf, memberRow } from './testing/samples.ts';

const clock = { wallMs: () => 0, monotonicMs: () => 0 };
const limits = { maxConversations: 10, maxMemberRows: 1_000, maxRecentBytes: 1_000 };

/** A group that stands in the store, too. */
async function open(): Promise<{ store: MemoryStore; book: CursorBook; group: Conversation }> {
  const store = new MemoryStore();
  const group = groupOf(9);
  const entry: NewEntry = {
    seq: 1,
    msgId: 1n,
    kind: 'groupCreated',
    ord: 0,
    sender: 'ada',
    createdAtMs: 1,
    clientKey: undefined,
    content: '' as ByteString,
  };
  await store.commit({
    epoch: store.epoch,
    batchId: 1n,
    conversations: [
      {
        convNo: 7n,
        convId: group.convId,
        create: 'group',
        entries: [entry],
        projections: [],
        members: [memberRow(ada), memberRow(bob)],
        group: group.group,
      },
    ],
  });
  return {
    store,
    book: new CursorBook({ store, hot: new HotConversations({ store, clock, limits }) }),
    group,
  };
}

describe('cursors', () => {
  it('I6: hold a conversation that is let go of until they are written, and no longer', async () => {
    const {
      store,
      group: { convId },
    } = await open();
    const hot = new HotConversations({ store, clock, limits });
    const book = new CursorBook({ store, hot });
    const evicted: string[] = [];
    hot.onEvict = (conversation) => evicted.push(conversation.convId);
    await hot.with(convId, (conversation) => {
      assert.equal(book.raise(conversation, ada, { deliveredSeq: 1 }), true);
    });
    hot.letGo(() => false);
    assert.equal(hot.size, 1);
    store.turn = () => Promise.reject(new StoreError('unavailable', 'a test says so'));
    await book.flush();
    assert.equal(hot.size, 1, 'it is yet to be written');
    store.turn = async () => {};
    await book.flush();
    assert.deepEqual([hot.size, evicted], [0, [convId]]);
  });

  it('only grow, and reading implies having', async () => {
    const { book, group } = await open();
    assert.equal(book.raise(group, ada, { deliveredSeq: 4 }), true);
    assert.equal(book.raise(group, ada, { deliveredSeq: 3 }), false);
    assert.equal(book.raise(group, ada, { readSeq: 5, readOrd: 4 }), true);
    assert.partialDeepStrictEqual(group.cursors.get(ada), { deliveredSeq: 5, readSeq: 5, readOrd: 4 });
    assert.equal(book.raise(group, ada, { readSeq: 2, readOrd: 1 }), false);
    assert.partialDeepStrictEqual(group.cursors.get(ada), { deliveredSeq: 5, readSeq: 5, readOrd: 4 });
  });

  it('are written once an interval, whatever the number of steps', async () => {
    const { store, book, group } = await open();
    for (let seq = 1; seq <= 100; seq += 1) book.raise(group, ada, { deliveredSeq: seq });
    await book.flush();
    assert.deepEqual(await store.cursors(7n, undefined), [
      { convNo: 7n, userId: 'ada', deliveredSeq: 100, readSeq: 0, readOrd: 0 },
    ]);
    assert.equal(book.dirty, 0);
    assert.equal(group.pins, 0, 'nothing holds the conversation any more');
  });

  it('that the store does not take are kept, and hold their conversation until it does', async () => {
    const { store, book, group } = await open();
    store.turn = (name) =>
      name === 'raiseCursors' ? Promise.reject(new StoreError('unavailable', 'no')) : Promise.resolve();
    book.raise(group, ada, { deliveredSeq: 5 });
    await book.flush();
    assert.deepEqual([book.dirty, group.pins], [1, 1]);
    store.turn = async () => {};
    await book.flush();
    assert.deepEqual([book.dirty, group.pins], [0, 0]);
    assert.equal((await store.cursors(7n, [ada]))[0]?.deliveredSeq, 5);
  });

  it('that move while they are written are written again', async () => {
    const { store, book, group } = await open();
    book.raise(group, ada, { deliveredSeq: 5 });
    let once = true;
    store.turn = async () => {
      if (once) book.raise(group, ada, { deliveredSeq: 6 });
      once = false;
    };
    await book.flush();
    await book.flush();
    assert.equal((await store.cursors(7n, [ada]))[0]?.deliveredSeq, 6);
    assert.equal(group.pins, 0);
  });

  it('are merged with what the store has, each part by itself', async () => {
    const { store, book, group } = await open();
    await store.raiseCursors([{ convNo: 7n, userId: ada, deliveredSeq: 9, readSeq: 3, readOrd: 2 }]);
    await store.raiseCursors([{ convNo: 7n, userId: bob, deliveredSeq: 2, readSeq: 2, readOrd: 1 }]);
    book.raise(group, ada, { readSeq: 6, readOrd: 5 });
    assert.equal(group.cursorsLoaded, false);
    await Promise.all([book.load(group), book.load(group)]);
    assert.equal(group.cursorsLoaded, true);
    assert.partialDeepStrictEqual(group.cursors.get(ada), { deliveredSeq: 9, readSeq: 6, readOrd: 5 });
    assert.partialDeepStrictEqual(group.cursors.get(bob), { deliveredSeq: 2, readSeq: 2, readOrd: 1 });
    assert.equal(group.pins, 1, 'for what is dirty alone');
  });

  it('that can not be loaded are loaded another time', async () => {
    const { store, book, group } = await open();
    store.turn = () => Promise.reject(new StoreError('unavailable', 'no'));
    await assert.rejects(book.load(group), StoreError);
    store.turn = async () => {};
    await book.load(group);
    assert.equal(group.cursorsLoaded, true);
  });

  it('never go back, whatever is lost in between', async () => {
    const step = fc.oneof(
      fc.record({ t: fc.constant('delivered' as const), seq: fc.integer({ min: 1, max: 50 }) }),
      fc.record({ t: fc.constant('read' as const), seq: fc.integer({ min: 1, max: 50 }) }),
      fc.record({ t: fc.constant('flush' as const), fails: fc.boolean() }),
      fc.constant({ t: 'load' as const }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { store, book, group } = await open();
        let [delivered, read] = [0, 0];
        for (const one of steps) {
          if (one.t === 'delivered') {
            book.raise(group, ada, { deliveredSeq: one.seq });
            delivered = Math.max(delivered, one.seq);
          } else if (one.t === 'read') {
            book.raise(group, ada, { readSeq: one.seq, readOrd: one.seq - 1 });
            [delivered, read] = [Math.max(delivered, one.seq), Math.max(read, one.seq)];
          } else if (one.t === 'load') await book.load(group);
          else {
            store.turn = () =>
              one.fails ? Promise.reject(new StoreError('unavailable', 'no')) : Promise.resolve();
            await book.flush();
            store.turn = async () => {};
          }
          const [row] = await store.cursors(7n, [ada]);
          const { deliveredSeq, readSeq, readOrd } = book.merged(group, ada, row);
          assert.deepEqual([deliveredSeq, readSeq, readOrd], [delivered, read, Math.max(0, read - 1)]);
        }
        await book.flush();
        assert.equal(group.pins, 0);
      }),
    );
  });
});
