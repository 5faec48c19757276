import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import {
  append,
  batch,
  commit,
  conversation,
  createDirect,
  createGroup,
  entry,
  failsWith,
} from '../../ports/message-store-conformance/samples.ts';
import type { OutboxPosition } from '../../ports/outbox-rows.ts';
import type { MySqlStore } from './mysql-store.ts';
import { TestDatabase } from './testing/database.ts';

const database = await TestDatabase.start();
after(() => database[Symbol.asyncDispose]());

/** Leases last to 10,000: `alive` is before, `dead` behind. */
const alive = { nowMs: 5_000 };
const dead = { nowMs: 20_000 };

async function twoNodes() {
  const schema = await database.schema();
  const [one, other] = [
    await database.open(schema, { incarnation: () => 'one' }),
    await database.open(schema, { incarnation: () => 'other' }),
  ];
  await one.leaseWorker('one', 1_000, 10_000);
  await other.leaseWorker('other', 1_000, 10_000);
  return {
    schema,
    one,
    other,
    async [Symbol.asyncDispose]() {
      await one.close();
      await other.close();
    },
  };
}

async function positions(store: MySqlStore, incarnation: string): Promise<OutboxPosition[]> {
  const rows = await store.outbox.rows(incarnation, undefined, 1_000);
  return rows.map(({ batchId, part }) => ({ batchId, part }));
}

describe('the outbox', () => {
  it('has a row for each transaction, with what it committed and nothing else', async () => {
    await using nodes = await twoNodes();
    const { one, other } = nodes;
    const [talk, garden] = [conversation('d_talk'), conversation('garden')];
    const first = batch(one, createDirect(talk, [entry(1), entry(2)]), createGroup(garden));
    await one.commit(first);
    const second = batch(one, append(talk, [entry(3)]), createDirect(talk));
    await assert.rejects(one.commit(second), failsWith('rejected'));
    const third = batch(one, append(garden, [entry(2)]), append(talk, [entry(2)]));
    assert.deepEqual(
      (await one.commit(third)).map(({ t }) => t),
      ['committed', 'fenced'],
    );
    await commit(other, append(talk, [entry(3)]));
    const rows = await one.outbox.rows('one', undefined, 10);
    assert.deepEqual(
      rows.map(({ batchId, part, spans }) => ({ batchId, part, spans })),
      [
        {
          batchId: first.batchId,
          part: 0,
          spans: [
            { ...talk, firstSeq: 1, lastSeq: 2 },
            { ...garden, firstSeq: 1, lastSeq: 1 },
          ],
        },
        { batchId: third.batchId, part: 0, spans: [{ ...garden, firstSeq: 2, lastSeq: 2 }] },
      ],
    );
    for (const { createdAtMs } of rows) assert.ok(Math.abs(createdAtMs - Date.now()) < 600_000);
    assert.equal(await one.outbox.count('one', 10), 2);
    assert.equal(await one.outbox.count('other', 10), 1);
  });

  it('is read page by page, in order', async () => {
    await using nodes = await twoNodes();
    const { one } = nodes;
    for (let at = 0; at < 7; at += 1) await commit(one, createDirect(conversation(`d_${at}`)));
    const all = await positions(one, 'one');
    assert.equal(all.length, 7);
    const read: OutboxPosition[] = [];
    for (let after: OutboxPosition | undefined; ; after = read.at(-1)) {
      const page = await one.outbox.rows('one', after, 3);
      read.push(...page.map(({ batchId, part }) => ({ batchId, part })));
      if (page.length < 3) break;
    }
    assert.deepEqual(read, all);
    await assert.rejects(one.outbox.rows('one', undefined, 1_001), failsWith('rejected'));
  });

  it('loses rows to their owner alone, while it holds its lease, and only old ones', async () => {
    await using nodes = await twoNodes();
    const { one, other } = nodes;
    for (let at = 0; at < 3; at += 1) await commit(one, createDirect(conversation(`d_${at}`)));
    const rows = await positions(one, 'one');
    const published = { incarnation: 'one', rows, leastAgeMs: 0 };
    assert.equal(await one.outbox.deletePublished({ ...published, ...alive, leastAgeMs: 3_600_000 }), 0);
    assert.equal(await one.outbox.deletePublished({ ...published, ...dead }), 0);
    assert.equal(await other.outbox.deletePublished({ ...published, ...alive, incarnation: 'other' }), 0);
    assert.equal(await one.outbox.deletePublished({ ...published, ...alive, rows: rows.slice(0, 2) }), 2);
    assert.deepEqual(await positions(one, 'one'), rows.slice(2));
    assert.equal(await one.outbox.deletePublished({ ...published, ...alive }), 1);
    assert.equal(await one.outbox.deletePublished({ ...published, ...alive, rows: [] }), 0);
  });

  it('names incarnations whose lease has lapsed', async () => {
    await using nodes = await twoNodes();
    const { one, other } = nodes;
    await commit(one, createDirect(conversation('d_one')));
    assert.deepEqual(await other.outbox.lapsed(alive.nowMs), []);
    await other.leaseWorker('other', 5_000, 50_000);
    assert.deepEqual(await other.outbox.lapsed(dead.nowMs), ['one']);
  });

  it('gives rows of a lapsed incarnation to one of those that adopt them', async () => {
    await using nodes = await twoNodes();
    const { one, other, schema } = nodes;
    await using third = await database.open(schema, { incarnation: () => 'third' });
    for (let at = 0; at < 20; at += 1) await commit(one, createDirect(conversation(`d_${at}`)));
    const rows = await positions(one, 'one');
    const by = (name: string) => ({ from: 'one', by: name, rows });
    assert.equal(await other.outbox.adopt({ ...by('other'), ...alive }), 0, 'it lives');
    assert.equal(await other.outbox.adopt({ ...by('other'), ...dead }), 0, 'whoever adopts needs a lease');
    await other.leaseWorker('other', 5_000, 50_000);
    await third.leaseWorker('third', 5_000, 50_000);
    const taken = await Promise.all([
      other.outbox.adopt({ ...by('other'), ...dead }),
      third.outbox.adopt({ ...by('third'), ...dead }),
    ]);
    assert.deepEqual(
      taken.toSorted((a, b) => a - b),
      [0, 20],
    );
    assert.deepEqual(await positions(one, 'one'), []);
    // Its former owner wakes up, and can take nothing away any more.
    await one.leaseWorker('one', 20_000, 50_000);
    assert.equal(await one.outbox.deletePublished({ incarnation: 'one', rows, ...dead, leastAgeMs: 0 }), 0);
    const winner = taken[0] === 20 ? 'other' : 'third';
    assert.equal(await one.outbox.deletePublished({ incarnation: winner, rows, ...dead, leastAgeMs: 0 }), 20);
  });

  it('keeps nothing where nobody reads it', async () => {
    const schema = await database.schema();
    await using store = await database.open(schema, { outbox: false });
    await using admin = await database.admin(schema);
    const talk = conversation('d_talk');
    await commit(store, createDirect(talk));
    await commit(store, append(talk, [entry(2)]));
    assert.deepEqual(await admin.ask('SELECT * FROM outbox'), []);
    await admin.ask("UPDATE store_epoch SET epoch = 'restored'");
    await assert.rejects(commit(store, append(talk, [entry(3)])), failsWith('epoch'));
  });
});
