import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import { StoreError } from '../ports/message-store.ts';
import { Books } from './testing/books.ts';
import { ada, decision, garden, recall, send } from './testing/samples.ts';

const head = 170;
const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at);

let books: Books;
let reads: number;

/** ada's group, whose entries are all in the store and none in memory. */
beforeEach(async () => {
  books = new Books();
  const group = { name: 'G', owner: 'ada', maxMembers: 9, history: 'all' as const };
  await books.commit(garden, decision(ada, 'create', [], { t: 'groupCreated', group, members: [ada] }));
  for (let seq = 2; seq <= head; seq += 1) await books.commit(garden, send(ada, `m${seq}`));
  await forget();
  reads = 0;
  books.store.turn = async (operation, when) => {
    if (operation === 'range' && when === 'before') reads += 1;
  };
});

const forget = () => books.hot.with(garden, ({ recent }) => recent.clear());
const page = (from: number, limit: number) => books.page(garden, ada, from, limit, false);
const seqs = async (from: number, limit: number) => (await page(from, limit)).entries.map(({ seq }) => seq);

describe('history, asked for by many at once', () => {
  it('is read once for all, and for those who come later', async () => {
    const asked = numbers(1, 30).map((from) => seqs(from, 70));
    for (const [at, found] of (await Promise.all(asked)).entries())
      assert.deepEqual(found, numbers(at + 1, at + 70));
    assert.equal(reads, 1);
    assert.deepEqual(await seqs(45, 56), numbers(45, 100));
    assert.equal(reads, 1);
  });

  it('is read where a block is not whole, and nothing more than that', async () => {
    await seqs(1, 150);
    assert.equal(reads, 1);
    assert.deepEqual(await seqs(120, 50), numbers(120, 169));
    assert.equal(reads, 2);
    await books.commit(garden, send(ada, 'one more'));
    assert.deepEqual(await seqs(120, 52), numbers(120, 171));
  });

  it('is not there for anybody while the store can’t be read, and is afterwards', async () => {
    const { turn } = books.store;
    books.store.turn = async (operation) => {
      if (operation === 'range') throw new StoreError('unavailable', 'away');
    };
    for (const answer of await Promise.allSettled([page(1, 50), page(2, 50)]))
      assert.equal(answer.status, 'rejected');
    books.store.turn = turn;
    assert.deepEqual(await seqs(2, 50), numbers(2, 51));
  });

  it('is as it was when it was asked for or later: what a recall changes is read again', async () => {
    const { turn } = books.store;
    books.store.turn = async (operation, when) => {
      await turn(operation, when);
      if (operation !== 'range' || when !== 'after') return;
      books.store.turn = turn;
      await books.commit(garden, recall(ada, 'r', 20));
      await forget();
    };
    await page(1, 60);
    for (const from of [1, 20]) {
      const found = (await page(from, 40)).entries.find(({ seq }) => seq === 20);
      assert.equal(found?.revision, 1);
    }
  });

  it('has every entry once, in order, however it is asked for', async () => {
    const one = fc.record({
      from: fc.integer({ min: 1, max: head }),
      limit: fc.integer({ min: 1, max: head }),
      forgets: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(one, { minLength: 1, maxLength: 6 }), async (asked) => {
        const answers = asked.map(async ({ from, limit, forgets }) => {
          if (forgets) books.history.clear();
          assert.deepEqual(await seqs(from, limit), numbers(from, Math.min(head, from + limit - 1)));
        });
        await Promise.all(answers);
      }),
      { numRuns: 100 },
    );
  });
});
