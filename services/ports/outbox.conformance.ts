import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  append,
  batch,
  commit,
  conversation,
  createDirect,
  createGroup,
  entry,
  failsWith,
} from './message-store-conformance/samples.ts';
import type { MessageStore } from './message-store.ts';
import type { Outbox } from './outbox.ts';

/** A store as one run of a node has it: what it commits is that run's in the outbox. */
export type OutboxStore = MessageStore & { readonly outbox: Outbox };

/** A store of a test's own, empty at first. */
export interface OutboxFixture extends AsyncDisposable {
  as(incarnation: string): Promise<OutboxStore>;
}

/** Leases last to 10,000: `alive` is before, `dead` behind. */
const alive = { nowMs: 5_000 };
const dead = { nowMs: 20_000 };
const hourMs = 3_600_000;

async function twoRuns(fixture: OutboxFixture) {
  const [one, other] = [await fixture.as('one'), await fixture.as('other')];
  await one.leaseWorker('one', 1_000, 10_000);
  await other.leaseWorker('other', 1_000, 10_000);
  return { one, other };
}

async function idsOf({ outbox }: OutboxStore, incarnation: string): Promise<bigint[]> {
  return (await outbox.rows(incarnation, 0n, 1_000)).map(({ batchId }) => batchId);
}

/** Every promise of Outbox, as tests. Each adapter runs them against its real engine. */
export function outboxConformance(name: string, open: () => Promise<OutboxFixture>): void {
  describe(`${name} keeps the promises of Outbox`, () => {
    it('has a row for each batch, with what it committed and nothing else', async () => {
      await using fixture = await open();
      const { one, other } = await twoRuns(fixture);
      const [talk, garden] = [conversation('d_talk'), conversation('garden')];
      const first = batch(one, createDirect(talk, [entry(1), entry(2)]), createGroup(garden));
      const beganMs = Date.now();
      await one.commit(first);
      await assert.rejects(
        one.commit(batch(one, append(talk, [entry(3)]), createDirect(talk))),
        failsWith('rejected'),
      );
      const third = batch(one, append(garden, [entry(2)]), append(talk, [entry(2)]));
      assert.deepEqual(
        (await one.commit(third)).map(({ t }) => t),
        ['committed', 'fenced'],
      );
      await commit(other, append(talk, [entry(3)]));
      const rows = await one.outbox.rows('one', 0n, 10);
      assert.deepEqual(
        rows.map(({ batchId, spans }) => ({ batchId, spans })),
        [
          {
            batchId: first.batchId,
            spans: [
              { ...talk, firstSeq: 1, lastSeq: 2 },
              { ...garden, firstSeq: 1, lastSeq: 1 },
            ],
          },
          { batchId: third.batchId, spans: [{ ...garden, firstSeq: 2, lastSeq: 2 }] },
        ],
      );
      for (const { createdAtMs } of rows) assert.ok(Math.abs(createdAtMs - beganMs) < hourMs);
      assert.equal(await one.outbox.count('one', 10), 2);
      assert.equal(await one.outbox.count('one', 1), 1);
      assert.equal(await one.outbox.count('other', 10), 1);
    });

    it('has one row of a batch that was written in part, and then the rest of it', async () => {
      await using fixture = await open();
      const { one } = await twoRuns(fixture);
      const [talk, garden] = [conversation('d_talk'), conversation('garden')];
      await commit(one, createDirect(talk), createGroup(garden));
      const both = batch(one, append(talk, [entry(2)]), append(garden, [entry(3)]));
      assert.deepEqual(
        (await one.commit(both)).map(({ t }) => t),
        ['committed', 'fenced'],
      );
      await commit(one, append(garden, [entry(2)]));
      // The identical batch: what stands is committed, and now the other one fits.
      assert.deepEqual(
        (await one.commit(both)).map(({ t }) => t),
        ['committed', 'committed'],
      );
      const row = (await one.outbox.rows('one', 0n, 10)).find(({ batchId }) => batchId === both.batchId);
      assert.deepEqual(row?.spans, [
        { ...talk, firstSeq: 2, lastSeq: 2 },
        { ...garden, firstSeq: 3, lastSeq: 3 },
      ]);
      assert.equal(await one.outbox.count('one', 10), 3);
      assert.deepEqual((await one.outbox.rows('one', both.batchId - 1n, 1))[0], row);
    });

    it('is read page by page, in order', async () => {
      await using fixture = await open();
      const { one, other } = await twoRuns(fixture);
      for (let at = 0; at < 7; at += 1) {
        await commit(one, createDirect(conversation(`d_${at}`)));
        await commit(other, createDirect(conversation(`d_other_${at}`)));
      }
      const all = await idsOf(one, 'one');
      assert.equal(all.length, 7);
      const read: bigint[] = [];
      for (;;) {
        const page = await one.outbox.rows('one', read.at(-1) ?? 0n, 3);
        read.push(...page.map(({ batchId }) => batchId));
        if (page.length < 3) break;
      }
      assert.deepEqual(read, all);
      assert.deepEqual(await one.outbox.rows('nobody', 0n, 3), []);
      await assert.rejects(one.outbox.rows('one', 0n, 1_001), failsWith('rejected'));
      await assert.rejects(one.outbox.rows('one', 0n, 0), failsWith('rejected'));
    });

    it('loses rows to their own run alone, while it holds its lease, and only old ones', async () => {
      await using fixture = await open();
      const { one, other } = await twoRuns(fixture);
      for (let at = 0; at < 3; at += 1) await commit(one, createDirect(conversation(`d_${at}`)));
      const batchIds = await idsOf(one, 'one');
      const removal = { incarnation: 'one', batchIds, leastAgeMs: 0 };
      assert.deepEqual(await one.outbox.remove({ ...removal, ...alive, leastAgeMs: hourMs }), batchIds);
      assert.deepEqual(await one.outbox.remove({ ...removal, ...dead }), batchIds);
      assert.deepEqual(await other.outbox.remove({ ...removal, ...alive, incarnation: 'other' }), []);
      assert.deepEqual(await idsOf(one, 'one'), batchIds);
      assert.deepEqual(await one.outbox.remove({ ...removal, ...alive, batchIds: batchIds.slice(0, 2) }), []);
      assert.deepEqual(await idsOf(one, 'one'), batchIds.slice(2));
      assert.deepEqual(await one.outbox.remove({ ...removal, ...alive }), []);
      assert.deepEqual(await idsOf(one, 'one'), []);
      assert.deepEqual(await one.outbox.remove({ ...removal, ...alive, batchIds: [] }), []);
      const tooMany = Array.from({ length: 1_001 }, (_, at) => BigInt(at));
      await assert.rejects(
        one.outbox.remove({ ...removal, ...alive, batchIds: tooMany }),
        failsWith('rejected'),
      );
    });

    it('names runs that have rows and whose lease has lapsed', async () => {
      await using fixture = await open();
      const { one, other } = await twoRuns(fixture);
      await commit(one, createDirect(conversation('d_one')));
      assert.deepEqual(await other.outbox.lapsed(alive.nowMs), []);
      await other.leaseWorker('other', 5_000, 50_000);
      assert.deepEqual(await other.outbox.lapsed(dead.nowMs), ['one']);
      // What a run that is dead for the others had in the store's hands still comes to light.
      await commit(await fixture.as('gone'), createDirect(conversation('d_gone')));
      assert.deepEqual((await other.outbox.lapsed(dead.nowMs)).toSorted(), ['gone', 'one']);
      assert.deepEqual(await other.outbox.lapsed(alive.nowMs), ['gone']);
    });

    it('gives rows of a lapsed run to one of those that adopt them', async () => {
      await using fixture = await open();
      const { one, other } = await twoRuns(fixture);
      const third = await fixture.as('third');
      for (let at = 0; at < 20; at += 1) await commit(one, createDirect(conversation(`d_${at}`)));
      const rows = await one.outbox.rows('one', 0n, 100);
      const batchIds = rows.map(({ batchId }) => batchId);
      const by = (run: string) => ({ from: 'one', by: run, batchIds });
      assert.deepEqual(await other.outbox.adopt({ ...by('other'), ...alive }), [], 'it lives');
      assert.deepEqual(await other.outbox.adopt({ ...by('other'), ...dead }), [], 'who adopts needs a lease');
      await other.leaseWorker('other', 5_000, 50_000);
      await third.leaseWorker('third', 5_000, 50_000);
      const taken = await Promise.all([
        other.outbox.adopt({ ...by('other'), ...dead }),
        third.outbox.adopt({ ...by('third'), ...dead }),
      ]);
      assert.deepEqual(
        taken.toSorted((a, b) => a.length - b.length),
        [[], batchIds],
      );
      const winner = taken[0]?.length === 20 ? 'other' : 'third';
      assert.deepEqual(await one.outbox.rows(winner, 0n, 100), rows);
      assert.deepEqual(await one.outbox.adopt({ ...by(winner), ...dead }), batchIds, 'asked once more');
      assert.deepEqual(await idsOf(one, 'one'), []);
      // Its former run wakes up, and can take nothing away any more.
      await one.leaseWorker('one', 20_000, 50_000);
      const removal = { batchIds, ...dead, leastAgeMs: 0 };
      await one.outbox.remove({ ...removal, incarnation: 'one' });
      assert.deepEqual(await idsOf(one, winner), batchIds);
      assert.deepEqual(await one.outbox.remove({ ...removal, incarnation: winner }), []);
      assert.deepEqual(await idsOf(one, winner), []);
    });
  });
}
