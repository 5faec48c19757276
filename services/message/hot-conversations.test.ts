import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConvId, UserId } from '../core/ids.ts';
import { type ConversationSnapshot, type HeadSnapshot, StoreError } from '../ports/message-store.ts';
import type { Conversation } from './conversation.ts';
import { HotConversations } from './hot-conversations.ts';
import { MemoryStore } from './testing/memory-store.ts';
import { ada, bob, memberRow, storedEntry } from './testing/samples.ts';

const id = (name: string) => name as ConvId;
const limits = { maxConversations: 2, maxMemberRows: 1_000, maxRecentBytes: 1_000 };

/** A store that has every conversation whose id begins with `c`. */
class Shelf extends MemoryStore {
  loads: (readonly ConvId[])[] = [];
  /** For heads alone. */
  asked: (readonly ConvId[])[] = [];
  headSeq = 3;

  override async load(convIds: readonly ConvId[]): Promise<readonly (ConversationSnapshot | undefined)[]> {
    this.loads.push(convIds);
    await this.turn('load', 'before');
    return convIds.map((convId) => (convId.startsWith('c') ? snapshot(convId, this.headSeq) : undefined));
  }

  override async heads(convIds: readonly ConvId[]): Promise<readonly (HeadSnapshot | undefined)[]> {
    this.asked.push(convIds);
    await this.turn('heads', 'before');
    return convIds.map((convId) => (convId.startsWith('c') ? snapshot(convId, this.headSeq) : undefined));
  }
}

function snapshot(convId: ConvId, seq: number): ConversationSnapshot {
  const group = {
    name: 'G',
    owner: 'ada',
    maxMembers: 9,
    history: 'all',
    memberCount: 2,
    version: 1,
  } as const;
  const members = [memberRow(ada), memberRow(bob)];
  return {
    convNo: 1n,
    convId,
    kind: 'group',
    head: { seq, ord: seq - 1, msgId: BigInt(seq) },
    projectedSeq: 0,
    group,
    members,
  };
}

function open() {
  const store = new Shelf();
  let now = 0;
  const clock = { wallMs: () => 0, monotonicMs: () => (now += 1) };
  const hot = new HotConversations({ store, clock, limits });
  return { store, hot, clock };
}

describe('a store that was restored', () => {
  it('voids what is held, what is in use, and what was asked for before', async () => {
    const { store, hot } = open();
    const [held] = await hot.acquire([id('c1')]);
    assert.ok(held !== undefined);
    const gate = Promise.withResolvers<void>();
    store.turn = () => gate.promise;
    const early = hot.acquire([id('c2')]);
    hot.clear();
    store.turn = async () => {};
    const [again] = await hot.acquire([id('c1')]);
    gate.resolve();
    await assert.rejects(early, (error) => error instanceof StoreError && error.kind === 'epoch');
    assert.equal(held.void, true);
    assert.notEqual(again, held);
    // Whoever was at work with what is void lets go of that, not of what is there now.
    hot.release([held]);
    assert.equal(hot.get(id('c1')), again);
    await assert.rejects(
      hot.reload([held]),
      (error) => error instanceof StoreError && error.kind === 'epoch',
    );
  });

  it('is suspected where it has less than was known, and not believed', async () => {
    for (const lost of [undefined, { seq: 2, ord: 1, msgId: 2n }, { seq: 3, ord: 2, msgId: 99n }]) {
      const { store, hot } = open();
      const behind: ConvId[] = [];
      hot.onBehind = ({ convId }) => behind.push(convId);
      const held = await hot.acquire([id('c1')]);
      store.load = async () => [lost && { ...snapshot(id('c1'), 3), head: lost }];
      await assert.rejects(
        hot.reload(held),
        (error) => error instanceof StoreError && error.kind === 'unavailable',
      );
      assert.deepEqual(behind, ['c1']);
      assert.equal(held[0]?.head.seq, 3);
    }
  });
});

describe('hot conversations', () => {
  it('are loaded once, however many ask at the same time', async () => {
    const { store, hot } = open();
    const [one, other] = await Promise.all([hot.acquire([id('c1'), id('c2')]), hot.acquire([id('c2')])]);
    assert.equal(one[1], other[0]);
    assert.deepEqual(store.loads.flat(), ['c1', 'c2']);
    assert.equal(other[0]?.pins, 2);
  });

  it('that do not exist are held while somebody uses them, and forgotten then', async () => {
    const { hot } = open();
    const held = await hot.acquire([id('x')]);
    assert.equal(held[0]?.exists, false);
    assert.equal(hot.size, 1);
    hot.release(held);
    assert.equal(hot.size, 0);
  });

  it('of which nothing can be read leave nothing behind', async () => {
    const { store, hot } = open();
    store.turn = () => Promise.reject(new StoreError('unavailable', 'no'));
    await assert.rejects(hot.acquire([id('c1')]), StoreError);
    assert.equal(hot.size, 0);
    store.turn = async () => {};
    assert.equal((await hot.acquire([id('c1')]))[0]?.head.seq, 3);
  });

  it('are known as of when the store was asked, not of when a node that hung looks at the answer', async () => {
    const store = new Shelf();
    let nowMs = 10_000;
    const clock = { wallMs: () => 0, monotonicMs: () => nowMs };
    const confirmAfterMs = 1_000;
    const hot = new HotConversations({ store, clock, limits, confirmAfterMs });
    const asked: number[] = [];
    let hangsMs = 0;
    store.turn = async (operation) => {
      if (operation !== 'load' && operation !== 'heads') return;
      asked.push(nowMs);
      nowMs += hangsMs;
      hangsMs = 0;
    };
    const use = async (): Promise<void> => hot.release(await hot.acquire([id('c1')]));
    await use();
    await use();
    assert.deepEqual(asked, [10_000], 'it is fresh');
    nowMs += 1_500;
    hangsMs = 3_000;
    await use();
    await use();
    assert.deepEqual(
      asked,
      [10_000, 11_500, 14_500],
      'the answer was three seconds old when it was looked at',
    );
  });

  it('that another node may have owned are looked back for at once, not one after another', async () => {
    const { store, clock } = open();
    const hot = new HotConversations({
      store,
      clock,
      limits: { ...limits, maxConversations: 9 },
      confirmAfterMs: 1e9,
    });
    const takenOver: ConvId[] = [];
    hot.onTakenOver = ({ convId }) => void takenOver.push(convId);
    const names = ['c1', 'c2', 'c3', 'c4'].map(id);
    // None of them is answered before all are asked.
    const all = Promise.withResolvers<void>();
    let asked = 0;
    store.range = async () => {
      asked += 1;
      if (asked === names.length) all.resolve();
      await all.promise;
      return [];
    };
    await hot.acquire(names);
    assert.deepEqual(takenOver, names);
  });

  it('one that is evicted while another is loaded is loaded again, not taken for one that does not exist', async () => {
    const { store, hot } = open();
    hot.release(await hot.acquire([id('c1')]));
    store.turn = async () => {
      store.turn = async () => {};
      hot.release(await hot.acquire([id('c3'), id('c4'), id('c5')]));
      hot.evict();
      assert.equal(hot.get(id('c1')), undefined, 'this is what the test is about');
    };
    const [first, second] = await hot.acquire([id('c1'), id('c2')]);
    assert.deepEqual([first?.exists, second?.exists], [true, true]);
  });

  it('one that is evicted while another is confirmed is loaded again', async () => {
    const store = new Shelf();
    let nowMs = 0;
    const clock = { wallMs: () => 1e15, monotonicMs: () => nowMs };
    const hot = new HotConversations({ store, clock, limits, confirmAfterMs: 1_000 });
    hot.release(await hot.acquire([id('c1')]));
    nowMs += 1_500;
    hot.release(await hot.acquire([id('c2')]));
    store.turn = async () => {
      store.turn = async () => {};
      hot.letGo((convId) => convId !== id('c2'));
      assert.equal(hot.get(id('c2')), undefined, 'this is what the test is about');
    };
    const both = await hot.acquire([id('c1'), id('c2')]);
    assert.deepEqual(
      both.map(({ exists, head }) => [exists, head.seq]),
      [
        [true, 3],
        [true, 3],
      ],
    );
  });

  it('are confirmed by their heads; only those that changed are read whole', async () => {
    const store = new Shelf();
    let nowMs = 0;
    const clock = { wallMs: () => 1e15, monotonicMs: () => nowMs };
    const hot = new HotConversations({ store, clock, limits, confirmAfterMs: 1_000 });
    const [held] = await hot.acquire([id('c1')]);
    if (held !== undefined) held.cursorsLoaded = true;
    hot.release([held as Conversation]);
    store.loads = [];
    nowMs += 1_500;
    hot.release(await hot.acquire([id('c1')]));
    assert.deepEqual([store.asked, store.loads, held?.cursorsLoaded], [[['c1']], [], false]);
    hot.release(await hot.acquire([id('c1')]));
    assert.equal(store.asked.length, 1, 'it was a moment ago');
    nowMs += 1_500;
    store.headSeq = 4;
    hot.release(await hot.acquire([id('c1')]));
    assert.deepEqual([store.loads, held?.head.seq], [[['c1']], 4]);
  });

  it('that are let go of while they are confirmed go then, also where they could not be read', async () => {
    const store = new Shelf();
    let nowMs = 0;
    const clock = { wallMs: () => 1e15, monotonicMs: () => nowMs };
    const hot = new HotConversations({ store, clock, limits, confirmAfterMs: 1_000 });
    const evicted: string[] = [];
    hot.onEvict = ({ convId }) => void evicted.push(convId);
    hot.release(await hot.acquire([id('c1')]));
    nowMs += 1_500;
    store.turn = async () => {
      hot.letGo(() => false);
      throw new StoreError('unavailable', 'it fails over');
    };
    await assert.rejects(hot.acquire([id('c1')]), /fails over/);
    assert.deepEqual([evicted, hot.size], [['c1'], 0]);
  });

  it('I4: that have grown are told of, also where others can not be read then', async () => {
    const store = new Shelf();
    let nowMs = 0;
    const clock = { wallMs: () => 1e15, monotonicMs: () => nowMs };
    const many = { ...limits, maxConversations: 1_000 };
    const hot = new HotConversations({ store, clock, limits: many, confirmAfterMs: 1_000 });
    const learned: string[] = [];
    hot.onLearned = ({ convId, head }, oldHead) => void learned.push(`${convId} ${oldHead} to ${head.seq}`);
    const ids = Array.from({ length: 501 }, (_, no) => id(`c${no}`));
    hot.release(await hot.acquire(ids));
    nowMs += 1_500;
    store.headSeq = 7;
    store.loads = [];
    store.turn = async () => {
      if (store.loads.length === 2) throw new StoreError('unavailable', 'it fails over');
    };
    await assert.rejects(hot.acquire(ids), /fails over/);
    assert.equal(hot.get(id('c0'))?.head.seq, 7);
    assert.equal(learned.length, 500);
    assert.equal(learned[0], 'c0 3 to 7');
  });

  it('that are used are not evicted, of the others the least recently used go first', async () => {
    const { hot } = open();
    const evicted: string[] = [];
    hot.onEvict = ({ convId }) => void evicted.push(convId);
    await hot.acquire([id('c1')]);
    for (const name of ['c2', 'c3', 'c4']) hot.release(await hot.acquire([id(name)]));
    hot.release(await hot.acquire([id('c2')]));
    hot.evict();
    assert.deepEqual(evicted, ['c3', 'c4']);
    assert.ok(hot.get(id('c1')) && hot.get(id('c2')));
  });

  it('I6: keep no more of newest entries than they may', async () => {
    const { hot } = open();
    const held = await hot.acquire([id('c1'), id('c2')]);
    for (const conversation of held)
      for (let seq = 1; seq <= 20; seq += 1) conversation.recent.push(storedEntry(seq));
    hot.evict();
    const bytes = held.reduce((sum, { recent }) => sum + recent.bytes, 0);
    assert.ok(bytes <= 1_000);
    assert.ok(held.every(({ recent }) => recent.lastSeq === 20));
  });

  it('I6: keep fewer newest entries each, the more there are of them', async () => {
    const keeps = async (conversations: number): Promise<number> => {
      const hot = new HotConversations({
        store: new Shelf(),
        clock: { wallMs: () => 0, monotonicMs: () => 0 },
        limits: { ...limits, maxConversations: 1_000, maxRecentBytes: 320 * 1_024 },
      });
      const ids = Array.from({ length: conversations }, (_, no) => id(`c${no}`));
      for (let batch = 0; batch < 10; batch += 1) {
        const held = await hot.acquire(ids);
        for (const { recent } of held)
          for (let no = 1; no <= 7; no += 1) recent.push(storedEntry(batch * 7 + no));
        hot.release(held);
      }
      return Math.max(...[...hot.values()].map(({ recent }) => recent.size));
    };
    const few = await keeps(2);
    assert.ok(few >= 32 && few <= 64, `${few}`);
    const more = await keeps(20);
    assert.ok(more >= 16 && more <= 32, `${more}`);
    assert.equal(await keeps(100), 0);
  });

  it('I6: are no more than the members of large ones have room for', async () => {
    const store = new Shelf();
    let now = 0;
    const clock = { wallMs: () => 0, monotonicMs: () => (now += 1) };
    const few = { ...limits, maxConversations: 1_000, maxMemberRows: 100 };
    const hot = new HotConversations({ store, clock, limits: few });
    const evicted: string[] = [];
    hot.onEvict = ({ convId }) => void evicted.push(convId);
    /** With so many members, most of whom have left. */
    const hold = async (name: string, members: number): Promise<Conversation> => {
      const [held] = (await hot.acquire([id(name)])) as [Conversation];
      for (let no = held.members.size; no < members; no += 1)
        held.members.set(`user ${no}` as UserId, memberRow(`user ${no}` as UserId, { leftSeq: 3 }));
      return held;
    };
    for (let no = 0; no < 100; no += 1) hot.release([await hold(`c small ${no}`, 2)]);
    for (const name of ['c1', 'c2', 'c3', 'c4', 'c5']) hot.release([await hold(name, 20)]);
    hot.evict();
    assert.deepEqual(evicted, []);
    hot.release([await hold('c6', 20)]);
    hot.evict();
    assert.deepEqual(evicted.splice(0), ['c1', 'c2'], 'a tenth more than needed, and none of the small ones');
    // What is in use takes the room of the others, but for a tenth.
    const used = await hold('c7', 70);
    hot.evict();
    assert.deepEqual(evicted.splice(0), ['c3', 'c4', 'c5']);
    await hold('c8', 500);
    hot.evict();
    assert.deepEqual(evicted.splice(0), ['c6']);
    hot.release([used]);
    hot.evict();
    assert.deepEqual([evicted, hot.get(id('c small 0'))?.exists], [['c7'], true]);
  });

  it('are found by member once they are indexed, as long as they are members', async () => {
    const { hot } = open();
    const [garden] = await hot.acquire([id('c1')]);
    assert.ok(garden);
    assert.deepEqual([...hot.withMember(ada)], []);
    hot.index(garden);
    assert.deepEqual([...hot.withMember(ada)], [garden]);
    garden.members.set(ada, memberRow(ada, { leftSeq: 3 }));
    assert.deepEqual([...hot.withMember(ada)], []);
    hot.release([garden]);
    for (const name of ['c2', 'c3', 'c4']) hot.release(await hot.acquire([id(name)]));
    hot.evict();
    assert.deepEqual([...hot.withMember(bob)], []);
  });

  it('large ones are found by asking them', async () => {
    const { hot } = open();
    const [crowd] = await hot.acquire([id('c1')]);
    assert.ok(crowd);
    for (let no = 0; no < 1_001; no += 1) {
      const userId = `u${no}` as typeof ada;
      crowd.members.set(userId, memberRow(userId));
    }
    hot.index(crowd);
    assert.deepEqual([...hot.withMember('u7' as typeof ada)], [crowd]);
    crowd.members.set(bob, memberRow(bob));
    hot.indexMember(crowd, bob);
    assert.deepEqual([...hot.withMember(bob)], [crowd]);
  });
});
