import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fromBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { byteString, bytesOf } from '../core/byte-string.ts';
import { EntrySchema } from '../../gen/parley/chat/v1/entry_pb.ts';
import type { LogEntry } from '../peer/edge-frames.ts';
import type { HistoryVisibility } from '../ports/message-store.ts';
import { Books } from './testing/books.ts';
import { textContent } from './testing/memory-store.ts';
import {
  ada,
  added,
  bob,
  cyd,
  decision,
  garden,
  kicked,
  recall,
  send,
  submission,
} from './testing/samples.ts';

/** ada's group: seq 1 creation, 2–4 messages, 5 bob joins, 6–8 messages, 9 bob is out, 10–12 messages. */
async function garden12(history: HistoryVisibility = 'sinceJoin'): Promise<Books> {
  const books = new Books();
  const group = { name: 'G', owner: 'ada', maxMembers: 9, history };
  const create = decision(ada, 'create', [], { t: 'groupCreated', group, members: [ada] });
  const says = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, at) => send(ada, `m${from + at}`));
  await books.commit(garden, create, ...says(2, 4), decision(ada, 'in', [], added(bob)));
  await books.commit(garden, ...says(6, 8), decision(ada, 'out', [], kicked(bob)), ...says(10, 12));
  return books;
}

/** Seqs, and `1..n` for what is hidden. */
function seqs(entries: readonly LogEntry[]): (number | string)[] {
  return entries.map(({ seq, content }) => {
    const shown = fromBinary(EntrySchema, bytesOf(content)).content;
    return shown.case === 'hidden' ? `${seq}..${shown.value.throughSeq}` : seq;
  });
}

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at);

describe('a page of history', () => {
  it('of what was not there is not remembered: whoever began before a restore asks by what it was', async () => {
    const books = await garden12();
    const asked = () => books.hot.with(garden, (conversation) => books.history.entries(conversation, 13, 14));
    assert.deepEqual(seqs(await asked()), []);
    await books.commit(garden, send(ada, 'm13'), send(ada, 'm14'));
    assert.deepEqual(seqs(await asked()), [13, 14]);
  });

  it('goes both ways, and says whether there is more', async () => {
    const books = await garden12();
    const cases: [from: number, limit: number, backward: boolean, number[], boolean][] = [
      [0, 5, false, numbers(1, 5), true],
      [6, 5, false, numbers(6, 10), true],
      [8, 5, false, numbers(8, 12), false],
      [8, 50, false, numbers(8, 12), false],
      [13, 5, false, [], false],
      [0, 5, true, numbers(8, 12), true],
      [7, 5, true, numbers(3, 7), true],
      [5, 5, true, numbers(1, 5), false],
      [3, 5, true, numbers(1, 3), false],
      [99, 2, true, numbers(11, 12), true],
    ];
    for (const [from, limit, backward, expected, more] of cases) {
      const page = await books.page(garden, ada, from, limit, backward);
      const name = `from ${from}, ${limit}, ${backward ? 'backward' : 'forward'}`;
      assert.deepEqual([seqs(page.entries), page.more, page.headSeq], [expected, more, 12], name);
    }
  });

  it('ends for a former member where the membership ended, and begins where it began', async () => {
    const books = await garden12();
    const cases: [from: number, limit: number, backward: boolean, (number | string)[], boolean][] = [
      [0, 50, true, ['1..4', ...numbers(5, 9)], false],
      [0, 5, true, numbers(5, 9), false],
      [0, 4, true, numbers(6, 9), true],
      [0, 2, false, ['1..4'], true],
      [5, 3, false, numbers(5, 7), true],
      [5, 50, false, numbers(5, 9), false],
      [10, 5, false, [], false],
      [2, 50, true, ['1..4'], false],
    ];
    for (const [from, limit, backward, expected, more] of cases) {
      const page = await books.page(garden, bob, from, limit, backward);
      const name = `from ${from}, ${limit}, ${backward ? 'backward' : 'forward'}`;
      assert.deepEqual([seqs(page.entries), page.more, page.headSeq], [expected, more, 9], name);
    }
  });

  it('shows newcomers everything where the group wants that', async () => {
    const books = await garden12('all');
    assert.deepEqual(seqs((await books.page(garden, bob, 0, 50, false)).entries), numbers(1, 9));
  });

  it('is for members', async () => {
    const books = await garden12();
    await assert.rejects(books.page(garden, cyd, 0, 5, false), { reason: 'notMember' });
    await assert.rejects(books.page('none' as typeof garden, ada, 0, 5, false), {
      reason: 'conversationNotFound',
    });
  });

  it('shows a recalled message as it now is, from wherever it is read', async () => {
    const books = await garden12();
    const cold = await books.page(garden, ada, 2, 1, false);
    assert.equal(cold.entries[0]?.revision, 0);
    await books.commit(garden, recall(ada, 'r', 2));
    for (const limit of [1, 3]) {
      const [entry] = (await books.page(garden, ada, 2, limit, false)).entries;
      assert.equal(entry?.revision, 1);
      assert.ok(entry?.content.includes('m2') === false);
    }
  });

  it('that the store reads while a message is recalled is not kept', async () => {
    const books = await garden12();
    await books.hot.with(garden, (conversation) => conversation.recent.clear());
    books.store.turn = async (name, when) => {
      if (name !== 'range' || when !== 'after') return;
      books.store.turn = async () => {};
      await books.commit(garden, recall(ada, 'r', 2));
    };
    await books.page(garden, ada, 2, 2, false);
    const [entry] = (await books.page(garden, ada, 2, 2, false)).entries;
    assert.equal(entry?.revision, 1);
  });

  it('I6: has fewer entries than were asked for where they are large, and says that there is more', async () => {
    const books = await garden12();
    const large = (clientId: string) =>
      submission(ada, clientId, { t: 'send', peer: undefined, content: byteString(new Uint8Array(200_000)) });
    const content = textContent('x', 'y');
    const small = submission(ada, 'small', { t: 'send', peer: undefined, content });
    await books.commit(garden, ...['a', 'b', 'c', 'd'].map(large), small);
    const forward = await books.page(garden, ada, 13, 50, false);
    assert.deepEqual([forward.entries.map(({ seq }) => seq), forward.more], [[13, 14], true]);
    const backward = await books.page(garden, ada, 0, 50, true);
    assert.deepEqual([backward.entries.map(({ seq }) => seq), backward.more], [[15, 16, 17], true]);
  });

  it('one after another, they show all that is visible, in either direction, whatever their size', async () => {
    const books = await garden12();
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 13 }), fc.constantFrom(ada, bob), async (limit, reader) => {
        const visible = reader === ada ? numbers(1, 12) : ['1..4', ...numbers(5, 9)];
        const forward: (number | string)[] = [];
        for (let from = 0, more = true; more; ) {
          const page = await books.page(garden, reader, from, limit, false);
          forward.push(...seqs(page.entries));
          more = page.more;
          from = through(page.entries) + 1;
        }
        assert.deepEqual(forward, visible);
        const backward: (number | string)[] = [];
        for (let from = 0, more = true; more; ) {
          const page = await books.page(garden, reader, from, limit, true);
          backward.unshift(...seqs(page.entries));
          more = page.more;
          from = (page.entries[0]?.seq ?? 1) - 1;
        }
        assert.deepEqual(
          backward.filter((one) => typeof one === 'number'),
          visible.filter((one) => typeof one === 'number'),
        );
      }),
      { numRuns: 40 },
    );
  });

  it('a single entry is found within the reader’s range alone', async () => {
    const books = await garden12();
    const one = (reader: typeof ada, seq: number) =>
      books.hot.with(garden, (conversation) => books.history.one(conversation, reader, seq));
    assert.equal((await one(bob, 5)).seq, 5);
    for (const seq of [4, 10, 99]) await assert.rejects(one(bob, seq), { reason: 'entryNotFound' });
  });

  it('the messages up to a seq are counted', async () => {
    const books = await garden12();
    const ord = (seq: number) =>
      books.hot.with(garden, (conversation) => books.history.ordAt(conversation, seq));
    assert.deepEqual(await Promise.all([1, 4, 5, 8, 9, 12].map(ord)), [0, 3, 3, 6, 6, 9]);
  });
});

function through(entries: readonly LogEntry[]): number {
  const last = entries.at(-1);
  if (last === undefined) return 0;
  const shown = fromBinary(EntrySchema, bytesOf(last.content)).content;
  return shown.case === 'hidden' ? Number(shown.value.throughSeq) : last.seq;
}
