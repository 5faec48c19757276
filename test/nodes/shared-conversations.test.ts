import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MessageService } from '../../gen/parley/chat/v1/message_pb.ts';
import { directConvId } from '../../services/core/conv-id.ts';
import type { ConvId, UserId } from '../../services/core/ids.ts';
import { rendezvous } from '../../services/core/rendezvous.ts';
import { Ownership } from '../../services/message/ownership.ts';
import { connectDirect } from '../../services/peer/direct-link.ts';
import type { EdgeFrame, OwnerFrame } from '../../services/peer/edge-frames.ts';
import type { Link } from '../../services/peer/link.ts';
import { MemoryStore } from '../../services/message/testing/memory-store.ts';
import type { CommitBatch } from '../../services/ports/message-store.ts';
import { until } from '../e2e/support/until.ts';
import { Nodes, say, sayTo } from '../helpers/nodes.ts';
import type { TestSession } from '../helpers/test-session.ts';

const linksComeAgain = { recentMs: 30_000, aloneMs: 60_000 };
const both = [{ nodeId: 'm1' }, { nodeId: 'm2' }];

function overheard<T>(link: Link<T>, frames: T[]): Link<T> {
  return {
    send: (frame, bytes) => {
      frames.push(frame);
      return link.send(frame, bytes);
    },
    close: (reason) => link.close(reason),
  };
}

/** The name of a group that this node owns. */
function groupOwnedBy(nodeId: string): ConvId {
  for (let no = 0; ; no += 1) if (rendezvous(`g${no}`, both)?.nodeId === nodeId) return `g${no}` as ConvId;
}

/** A user whose syncs this node answers, whoever owns the conversations. */
function userOwnedBy(nodeId: string, which = 0): string {
  for (let [no, left] = [0, which]; ; no += 1) {
    if (rendezvous(`user${no}`, both)?.nodeId !== nodeId) continue;
    if (left === 0) return `user${no}`;
    left -= 1;
  }
}

/** How far a user's node knows a conversation to go. */
async function headSeenBy(reader: TestSession, convId: ConvId): Promise<bigint | undefined> {
  const { conversations } = await reader.asked({ case: 'sync', value: { entries: 1 } }, 'changes');
  return conversations.find((state) => state.convId === convId)?.headSeq;
}

/**
 * Two message nodes on one store, and an edge for each of two users, linked to both nodes. `atOdds`: the edges take one
 * node for the other, so that each asks another one for the same conversation.
 */
async function open({ atOdds = false } = {}) {
  const stack = new AsyncDisposableStack();
  const one = stack.use(
    await Nodes.open({ edges: 0, worker: 1, linksComeAgain, ownership: new Ownership('m1') }),
  );
  const two = stack.use(
    await Nodes.open({
      store: one.store,
      edges: 0,
      worker: 2,
      linksComeAgain,
      ownership: new Ownership('m2'),
    }),
  );
  const messages = { m1: one.message, m2: two.message };
  const cuts: Record<'m1' | 'm2', (() => void)[]> = { m1: [], m2: [] };
  /** What each node has told each edge, and what it was asked. */
  const told: Record<'m1' | 'm2', OwnerFrame[][]> = { m1: [[], []], m2: [[], []] };
  const asked: Record<'m1' | 'm2', EdgeFrame[]> = { m1: [], m2: [] };
  for (let no = 0; no < 2; no += 1) {
    const node = one.addUnlinkedEdge({ unlink() {}, relink() {} });
    for (const name of ['m1', 'm2'] as const) {
      const link = connectDirect<EdgeFrame, OwnerFrame>({
        a: (end) => {
          const nodeId = atOdds && no === 1 ? (name === 'm1' ? 'm2' : 'm1') : name;
          return node.connectMessages(overheard(end, asked[name]), nodeId, one.store.epoch);
        },
        b: (end) => messages[name].acceptEdge(overheard(end, told[name][no] ?? []), `edge ${no}`),
        limitBytes: 1 << 28,
      });
      cuts[name].push(() => link.close('a test cuts it'));
    }
  }
  const see = (owners: readonly { nodeId: string }[]): void => {
    for (const message of Object.values(messages)) message.see(owners);
  };
  see(both);
  const [ada, bob] = [await one.signIn('ada'), await one.signIn('bob', { edge: 1 })];
  return { one, two, ada, bob, see, cuts, told, asked, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** A user with whom ada has a conversation that this node owns. */
function peerOwnedBy(nodeId: string): UserId {
  for (let no = 0; ; no += 1) {
    const peer = `peer${no}` as UserId;
    if (rendezvous(directConvId('ada' as UserId, peer), both)?.nodeId === nodeId) return peer;
  }
}

describe('two message nodes on one store', () => {
  it('never say for good that a conversation is not there which the other one has just made', async () => {
    const store = new MemoryStore();
    const gate = Promise.withResolvers<void>();
    const commits = Promise.withResolvers<void>();
    const slow = new Proxy(store, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        if (name !== 'commit') return value.bind(target);
        return async (batch: CommitBatch) => {
          commits.resolve();
          await gate.promise;
          return target.commit(batch);
        };
      },
    });
    await using one = await Nodes.open({
      store: slow,
      worker: 1,
      linksComeAgain,
      ownership: new Ownership('m1'),
    });
    await using two = await Nodes.open({ store, worker: 2, linksComeAgain, ownership: new Ownership('m1') });
    for (const { message } of [one, two]) message.see([{ nodeId: 'm1' }]);
    const convId = directConvId('ada' as UserId, 'bob' as UserId);
    const [ada, again] = [await one.signIn('ada'), await two.signIn('ada')];
    const [late] = ada.send(sayTo('bob', 'one', 'one'));
    await commits.promise;
    await again.asked(sayTo('bob', 'two', 'two'), 'sent');
    const [list] = ada.send({ case: 'list', value: { convId, limit: 10 } });
    const { event } = await ada.answer(list as number);
    assert.ok(event.case === 'error' && event.value.reason === 'overloaded', JSON.stringify(event.value));
    gate.resolve();
    assert.equal((await ada.answer(late as number)).event.case, 'sent');
    await ada.asked({ case: 'list', value: { convId, limit: 10 } }, 'entries');
  });

  it('each take the conversations that are theirs, and all of a user’s come in one list', async () => {
    await using cluster = await open();
    const { ada, one, two } = cluster;
    for (const nodeId of ['m1', 'm2']) await ada.asked(sayTo(peerOwnedBy(nodeId), 'hi'), 'sent');
    assert.deepEqual([one.message.hotConversations, two.message.hotConversations], [1, 1]);
    const { conversations } = await ada.asked({ case: 'sync', value: {} }, 'changes');
    assert.deepEqual(
      conversations.map((state) => state.convId).sort(),
      ['m1', 'm2'].map((nodeId) => directConvId('ada' as UserId, peerOwnedBy(nodeId))).sort(),
    );
  });

  it('I2, I5: hand a conversation over, whose log and listeners go on', async () => {
    await using cluster = await open();
    const { ada, bob, one, see, cuts } = cluster;
    const groupId = (rendezvous('g1', both)?.nodeId === 'm1' ? 'g1' : 'g2') as ConvId;
    const owner = rendezvous(groupId, both)?.nodeId as 'm1' | 'm2';
    const other = owner === 'm1' ? 'm2' : 'm1';
    await one.createGroup('ada', groupId, ['bob']);
    await ada.asked(say(groupId, 'two'), 'sent');
    await bob.delivered(groupId, 2);
    see([{ nodeId: other }]);
    // Edges that do not know yet are told so.
    const [id] = ada.send(say(groupId, 'three', 'three'));
    const { event } = await ada.answer(id as number);
    assert.ok(event.case === 'error' && event.value.reason === 'notOwner' && event.value.retry === 2);
    for (const cut of cuts[owner]) cut();
    await ada.asked(say(groupId, 'three', 'three'), 'sent');
    await ada.asked(say(groupId, 'four'), 'sent');
    await bob.delivered(groupId, 4);
    assert.deepEqual(
      bob.liveSeqs(groupId),
      [1, 2, 3, 4].filter((seq) => bob.liveSeqs(groupId).includes(seq)),
    );
    assert.deepEqual(bob.liveSeqs(groupId).slice(-3), [2, 3, 4]);
    const log = await one.log(groupId);
    assert.deepEqual(
      log.map(({ seq }) => seq),
      [1, 2, 3, 4],
    );
  });

  it('find an entry by its id that another one has only just committed', async () => {
    await using cluster = await open();
    const { ada, one } = cluster;
    const [convId, reader] = [groupOwnedBy('m1'), userOwnedBy('m2')];
    await one.createGroup('ada', convId, [reader]);
    const { getMessage, ackMessages } = MessageService.method;
    // With the second one the reader's node knows the conversation up to the first, and has no reason to look again.
    for (const text of ['two', 'three']) {
      const { msgId } = await ada.asked(say(convId, text), 'sent');
      const { entry } = await one.call(getMessage, { get: { msgId } }, reader);
      assert.equal(entry?.msgId, msgId);
      await one.call(ackMessages, { ack: { items: [{ msgId }] } }, reader);
    }
    // Nor has it heard of who came with the newest entries.
    const late = userOwnedBy('m2', 1);
    await one.add('ada', convId, [late]);
    const { msgId } = await ada.asked(say(convId, 'five'), 'sent');
    assert.equal((await one.call(getMessage, { get: { msgId } }, late)).entry?.msgId, msgId);
    const stranger = one.call(getMessage, { get: { msgId } }, userOwnedBy('m2', 2));
    await assert.rejects(stranger, { reason: 'entryNotFound' });
  });

  it('I5: forward what their predecessor committed last and could not forward any more', async () => {
    await using cluster = await open();
    const { ada, bob, see, cuts } = cluster;
    const convId = directConvId('ada' as UserId, 'bob' as UserId);
    const owner = rendezvous(convId, both)?.nodeId as 'm1' | 'm2';
    cuts[owner][1]?.();
    for (const text of ['one', 'two', 'three']) await ada.asked(sayTo('bob', text), 'sent');
    // It dies before its link to bob's edge comes again.
    cuts[owner][0]?.();
    see([{ nodeId: owner === 'm1' ? 'm2' : 'm1' }]);
    await ada.asked(sayTo('bob', 'four'), 'sent');
    await bob.delivered(convId, 4);
    assert.deepEqual(bob.liveSeqs(convId), [1, 2, 3, 4]);
  });

  it('say nothing of what they merely read, so that the owner is heard as before', async () => {
    await using cluster = await open();
    const { one, two, ada, bob, told, asked } = cluster;
    const convId = groupOwnedBy('m1');
    const user = userOwnedBy('m2');
    const reader = await one.signIn(user);
    await one.createGroup('ada', convId, ['bob', user]);
    await ada.asked(say(convId, 'two'), 'sent');
    await bob.delivered(convId, 2);
    await headSeenBy(reader, convId);
    for (let no = 3; no <= 20; no += 1) await ada.asked(say(convId, `text ${no}`), 'sent');
    await bob.delivered(convId, 20);
    two.clock.advance(2_000);
    assert.equal(await headSeenBy(reader, convId), 20n, 'its node has read as far as the owner');
    await ada.asked(say(convId, 'the next one'), 'sent');
    await bob.delivered(convId, 21);
    const said = told.m2.flat().filter(({ t }) => t === 'entry' || t === 'audience');
    assert.deepEqual(said, []);
    assert.deepEqual(
      asked.m1.filter(({ t }) => t === 'audienceUnknown'),
      [],
    );
  });

  it('I5: forward, once they own a conversation that they had read, what its owner may not have, and nothing older', async () => {
    for (const [olderMs, expected] of [
      [0, Array.from({ length: 200 }, (_, no) => no + 52)],
      [60_000, []],
    ] as const) {
      await using cluster = await open();
      const { one, two, ada, bob, see, cuts, told } = cluster;
      const convId = groupOwnedBy('m1');
      const user = userOwnedBy('m2');
      const reader = await one.signIn(user);
      await one.createGroup('ada', convId, ['bob', user]);
      await bob.delivered(convId, 1);
      await headSeenBy(reader, convId);
      // It dies without a word of them to bob's edge.
      cuts.m1[1]?.();
      const ids = ada.send(...Array.from({ length: 250 }, (_, no) => say(convId, `text ${no}`)));
      for (const id of ids) await ada.answer(id);
      two.clock.advance(olderMs + 1_100);
      cuts.m1[0]?.();
      see([{ nodeId: 'm2' }]);
      assert.equal(await headSeenBy(reader, convId), 251n);
      await ada.asked(say(convId, 'and on'), 'sent');
      await bob.delivered(convId, 252);
      // Ada's edge has all of them, and asks for none.
      const seqs = () =>
        new Set(told.m2[0]?.flatMap((frame) => (frame.t === 'entry' ? [frame.entry.seq] : [])));
      await until(
        () => seqs().size > expected.length,
        () => `told of ${seqs().size}`,
      );
      assert.deepEqual(
        [...seqs()].sort((x, y) => x - y),
        [...expected, 252],
      );
      assert.equal(new Set(bob.liveSeqs(convId)).size, 252);
    }
  });

  it('I4: both believe to be the owner, and lose nothing and repeat nothing', async () => {
    await using cluster = await open({ atOdds: true });
    const { ada, bob, one, two } = cluster;
    one.message.see([{ nodeId: 'm1' }]);
    two.message.see([{ nodeId: 'm2' }]);
    await one.createGroup('ada', 'g', ['bob']);
    const convId = 'g' as ConvId;
    const sends: Promise<unknown>[] = [];
    for (let no = 0; no < 40; no += 1) {
      for (const session of [ada, bob]) {
        const send = say(convId, `text ${no}`, `${session === ada ? 'a' : 'b'}${no}`);
        sends.push(session.asked(send, 'sent'));
      }
      if (no % 8 === 7) await Promise.all(sends);
    }
    await Promise.all(sends);
    const log = await one.log(convId);
    assert.deepEqual(
      log.map(({ seq }) => seq),
      Array.from({ length: 81 }, (_, no) => no + 1),
    );
    assert.ok(one.message.meters.fenceLost + two.message.meters.fenceLost > 0, 'they did collide');
    for (const session of [ada, bob]) {
      await session.delivered(convId, 81);
      assert.deepEqual(
        [...new Set(session.liveSeqs(convId))].sort((x, y) => x - y).slice(-80),
        Array.from({ length: 80 }, (_, no) => no + 2),
      );
    }
  });
});
