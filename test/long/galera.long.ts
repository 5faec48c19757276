import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { after, describe, it } from 'node:test';
import type { MySqlStore } from '../../services/adapters/mysql/mysql-store.ts';
import { adminOf, MySqlFixture, openOn } from '../../services/adapters/mysql/testing/mysql-fixture.ts';
import { messageStoreConformance } from '../../services/ports/message-store.conformance.ts';
import { type MessageStore, StoreError } from '../../services/ports/message-store.ts';
import {
  append,
  batch,
  commit,
  conversation,
  createDirect,
  entry,
  failsWith,
  log,
  newNumber,
  type SampleConversation,
} from '../../services/ports/message-store-conformance/samples.ts';
import { GaleraCluster, type GaleraNode } from '../engines/galera-cluster.ts';

/** The store on three servers that replicate synchronously, all of which take writes. */

const cluster = await GaleraCluster.start();
after(() => cluster[Symbol.asyncDispose]());
const nodes = cluster.nodes as readonly [GaleraNode, GaleraNode, GaleraNode];

messageStoreConformance('the store on Galera', () => MySqlFixture.open(cluster.nodes));

/** A schema of its own, with a store open on each node. */
async function onEach() {
  await using stack = new AsyncDisposableStack();
  const fixture = stack.use(await MySqlFixture.open(cluster.nodes));
  const stores: MySqlStore[] = [];
  for (const node of nodes) {
    const store = await openOn(node, fixture.schema);
    stack.defer(() => store.close());
    stores.push(store);
  }
  const owned = stack.move();
  return { stores, schema: fixture.schema, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/**
 * Writes to a conversation through a store as an owner does: on what it read last, reading again when it lost or does not
 * know. Gives the entries whose commit was confirmed, and goes on until `enough`.
 */
async function write(
  store: MessageStore,
  to: SampleConversation,
  confirmed: Set<bigint>,
  enough: () => boolean,
): Promise<{ fenced: number; refused: number }> {
  let fenced = 0;
  let refused = 0;
  let head = 0;
  while (!enough()) {
    try {
      if (head === 0) head = (await store.load([to.convId]))[0]?.head.seq ?? 0;
      const one = entry(head + 1);
      let tried = batch(store, append(to, [one]));
      for (;;) {
        const outcome = await store.commit(tried).catch((error: unknown) => {
          if (error instanceof StoreError && error.kind === 'unknown') return undefined;
          throw error;
        });
        // Not known: the identical batch tells.
        if (outcome === undefined) {
          tried = { ...tried };
          await pause(20);
          continue;
        }
        if (outcome[0]?.t === 'committed') {
          confirmed.add(one.msgId);
          head += 1;
        } else {
          fenced += 1;
          head = 0;
        }
        break;
      }
    } catch (error) {
      if (!(error instanceof StoreError) || error.kind !== 'unavailable') throw error;
      refused += 1;
      head = 0;
      await pause(20);
    }
  }
  return { fenced, refused };
}

async function assertSound(store: MessageStore, of: SampleConversation, confirmed: ReadonlySet<bigint>) {
  const stands: bigint[] = [];
  for (let from = 1; ; from += 1_000) {
    const page = await store.range(of.convNo, from, from + 999, 1_000, false);
    for (const [at, { seq, msgId }] of page.entries()) {
      assert.equal(seq, from + at, 'a gap');
      stands.push(msgId);
    }
    if (page.length < 1_000) break;
  }
  assert.equal(new Set(stands).size, stands.length, 'an entry stands twice');
  const there = new Set(stands);
  for (const msgId of confirmed) assert.ok(there.has(msgId), `${msgId} was confirmed and is gone`);
}

describe('three nodes that take writes', () => {
  it('give each seq to one of the owners that fight for it, and each of them reads the same', async () => {
    await using each = await onEach();
    const talk = conversation('d_fought_for');
    await commit(each.stores[0] as MySqlStore, createDirect(talk));
    const confirmed = new Set<bigint>();
    // Some thousand: of two thousand commits one was confirmed and not written, as long as COMMIT was in their packet.
    const enough = () => confirmed.size >= 4_000;
    const fights = await Promise.all(each.stores.map((store) => write(store, talk, confirmed, enough)));
    assert.ok(
      fights.some(({ fenced }) => fenced > 0),
      'they never met',
    );
    for (const store of each.stores) await assertSound(store, talk, confirmed);
    const [one, other, third] = await Promise.all(each.stores.map((store) => log(store, talk)));
    assert.deepEqual(other, one);
    assert.deepEqual(third, one);
    // Transactions were written whole: each has one entry and one row in the outbox.
    await using admin = await adminOf(nodes[0], each.schema);
    const [counts] = await admin.ask(
      'SET SESSION wsrep_sync_wait = 7;SELECT (SELECT COUNT(*) FROM outbox), (SELECT COUNT(*) FROM message)',
    );
    assert.equal(counts?.[0], counts?.[1]);
  });

  it('read what another one has confirmed, at once', async () => {
    await using each = await onEach();
    const [one, other] = each.stores as [MySqlStore, MySqlStore, MySqlStore];
    const talk = conversation('d_read');
    await commit(one, createDirect(talk));
    for (let seq = 2; seq < 200; seq += 1) {
      assert.deepEqual(await commit(one, append(talk, [entry(seq)])), ['committed']);
      const [read] = await other.load([talk.convId]);
      assert.equal(read?.head.seq, seq, 'a stale read');
    }
  });

  it('lose nothing that was confirmed when one of them is killed under load, and is back', async () => {
    await using each = await onEach();
    const talks = [
      conversation('d_one'),
      conversation('d_two'),
      conversation('d_three'),
      conversation('d_all'),
    ];
    for (const talk of talks) await commit(each.stores[0] as MySqlStore, createDirect(talk));
    const confirmed = talks.map(() => new Set<bigint>());
    let over = false;
    const enough = () => over;
    const shared = confirmed[3] as Set<bigint>;
    const writers = each.stores.flatMap((store, at) => [
      write(store, talks[at] as SampleConversation, confirmed[at] as Set<bigint>, enough),
      write(store, talks[3] as SampleConversation, shared, enough),
    ]);
    const reached = async (of: ReadonlySet<bigint>, more: number) => {
      const wanted = of.size + more;
      while (of.size < wanted) await pause(10);
    };
    await Promise.all(confirmed.slice(0, 3).map((of) => reached(of, 50)));
    await nodes[1].kill();
    // The two that are left go on.
    await reached(confirmed[0] as Set<bigint>, 100);
    await reached(confirmed[2] as Set<bigint>, 100);
    await nodes[1].restart();
    await reached(confirmed[1] as Set<bigint>, 50);
    over = true;
    const ends = await Promise.all(writers);
    assert.ok(
      ends.some(({ refused }) => refused > 0),
      'nobody noticed the kill',
    );
    for (const store of each.stores)
      for (const [at, talk] of talks.entries()) await assertSound(store, talk, confirmed[at] as Set<bigint>);
    const { problems } = await (each.stores[1] as MySqlStore).check();
    assert.deepEqual(problems, []);
  });

  it('fence writers of an epoch that was renewed on another one', async () => {
    await using each = await onEach();
    const [one, other] = each.stores as [MySqlStore, MySqlStore, MySqlStore];
    const talks = Array.from({ length: 4 }, (_, at) => conversation(`d_epoch ${at}`));
    await commit(one, ...talks.map((talk) => createDirect(talk)));
    const before = one.epoch;
    await using admin = await adminOf(nodes[2], each.schema);
    // What waits to be published goes along, and is too much to be moved between two commits of others.
    await admin.ask(`INSERT INTO outbox (batch_id, part, incarnation, epoch, created_at, conditions, payload)
      SELECT seq, 0, 'gone', '${before}', 0, 0, REPEAT('x', 1000) FROM seq_1_to_20500`);
    const refusals: unknown[] = [];
    const writers = talks.map(async (talk) => {
      for (let seq = 2; ; seq += 1) {
        try {
          await commit(other, append(talk, [entry(seq)]));
        } catch (error) {
          refusals.push(error);
          return;
        }
      }
    });
    await pause(100);
    const renewed = await one.renewEpoch(before);
    await Promise.all(writers);
    for (const refusal of refusals) assert.ok(failsWith('epoch')(refusal), String(refusal));
    assert.equal(await other.readEpoch(), renewed);
    assert.deepEqual(
      await admin.ask(
        'SET SESSION wsrep_sync_wait = 1;SELECT COUNT(*) FROM outbox o LEFT JOIN store_epoch e ON e.epoch = o.epoch WHERE e.epoch IS NULL',
      ),
      [['0']],
    );
    other.adoptEpoch(renewed);
    const [read] = await other.load([talks[0]?.convId as SampleConversation['convId']]);
    const next = entry((read?.head.seq ?? 0) + 1, { msgId: newNumber() });
    assert.deepEqual(await commit(other, append(talks[0] as SampleConversation, [next])), ['committed']);
  });
});
