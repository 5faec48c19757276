import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ConversationKind } from '../gen/parley/chat/v1/entry_pb.ts';
import { LogTail } from './conversation-log.ts';
import { type HeldItem, itemOf, lastSeqOf } from './item.ts';
import { FakeLog, textContent } from './testing/fake-log.ts';
import type { LogContent } from './types.ts';

const item = (seq: number, content: LogContent = message(seq), sender = 'ann'): HeldItem => ({
  seq,
  msgId: String(1_000 + seq),
  sender,
  createdAtMs: seq,
  revision: 0,
  clientId: '',
  content,
  status: undefined,
  ord: seq,
});

function message(seq: number): LogContent {
  const content = textContent(`text ${seq}`);
  return { t: 'message', body: content.value as Extract<LogContent, { t: 'message' }>['body'] };
}

const seqs = (log: LogTail): number[] => log.items.map((one) => one.seq);
const run = (from: number, to: number): HeldItem[] =>
  Array.from({ length: to - from + 1 }, (_, at) => item(from + at));

describe('a log', () => {
  test('grows by what comes next', () => {
    const log = new LogTail({ self: 'me' });
    assert.deepEqual(
      log.merge(run(7, 8)).map((one) => one.seq),
      [7, 8],
    );
    assert.deepEqual(
      log.merge([item(9)]).map((one) => one.seq),
      [9],
    );
    assert.deepEqual(seqs(log), [7, 8, 9]);
    assert.equal(log.wanted(), undefined);
  });

  test('drops repeats', () => {
    const log = new LogTail({ self: 'me' });
    log.merge(run(1, 5));
    assert.deepEqual(log.merge(run(2, 5)), []);
    assert.deepEqual(seqs(log), [1, 2, 3, 4, 5]);
  });

  test('keeps what lies beyond a gap aside, and says what is missing', () => {
    const log = new LogTail({ self: 'me' });
    log.merge(run(1, 3));
    assert.deepEqual(log.merge(run(7, 8)), []);
    assert.deepEqual(log.wanted(), { t: 'range', fromSeq: 4, toSeq: 6 });
    assert.deepEqual(
      log.merge(run(4, 6)).map((one) => one.seq),
      [4, 5, 6, 7, 8],
    );
    assert.equal(log.wanted(), undefined);
  });

  test('takes an older page only where it joins', () => {
    const log = new LogTail({ self: 'me' });
    log.merge(run(20, 22));
    log.merge(run(10, 18));
    assert.deepEqual(seqs(log), [20, 21, 22]);
    log.merge(run(17, 20));
    assert.deepEqual(seqs(log), [17, 18, 19, 20, 21, 22]);
  });

  test('shows a recalled message, whichever of the two comes first', () => {
    for (const late of [false, true]) {
      const log = new LogTail({ self: 'me' });
      if (late) {
        log.merge([item(4), item(5, { t: 'recall', targetSeq: 3 }, 'bob')]);
        log.merge(run(2, 3));
      } else {
        log.merge(run(2, 4));
        log.merge([item(5, { t: 'recall', targetSeq: 3 }, 'bob')]);
      }
      assert.deepEqual(log.find(3)?.content, { t: 'recalled', by: 'bob' });
      assert.equal(log.find(3)?.revision, 1);
    }
  });

  test('a page of a later revision replaces', () => {
    const log = new LogTail({ self: 'me' });
    log.merge(run(1, 3));
    log.merge([{ ...item(2, { t: 'recalled', by: 'bob' }), revision: 1 }]);
    assert.deepEqual(log.find(2)?.content, { t: 'recalled', by: 'bob' });
    log.merge([item(2)]);
    assert.deepEqual(log.find(2)?.content, { t: 'recalled', by: 'bob' });
  });

  test('a hidden range is one item and no gap', () => {
    const log = new LogTail({ self: 'me' });
    log.merge([item(1, { t: 'hidden', throughSeq: 56 }), item(57)]);
    assert.equal(log.wanted(), undefined);
    assert.equal(log.hasOlder, false);
    assert.equal(log.find(30)?.content.t, 'hidden');
    assert.equal(log.lastSeq, 57);
  });

  test('a hidden range that overlaps is cut to fit at either end', () => {
    const log = new LogTail({ self: 'me' });
    log.merge(run(10, 12));
    log.merge([item(5, { t: 'hidden', throughSeq: 11 })]);
    assert.deepEqual(log.find(5)?.content, { t: 'hidden', throughSeq: 9 });
    log.merge([item(12, { t: 'hidden', throughSeq: 20 }), item(21)]);
    assert.deepEqual(log.find(13)?.content, { t: 'hidden', throughSeq: 20 });
    assert.equal(log.lastSeq, 21);
  });

  test('own messages carry how far others have come', () => {
    const log = new LogTail({ self: 'ann' });
    log.merge(run(1, 4));
    log.raise(3, 1);
    assert.deepEqual(
      log.items.map((one) => one.status),
      ['read', 'delivered', 'delivered', 'sent'],
    );
    log.raise(2, 0);
    log.merge([item(5)]);
    log.raise(0, 5);
    assert.ok(log.items.every((one) => one.status === 'read'));
    assert.equal(new LogTail({ self: 'bob' }).merge([item(1)])[0]?.status, undefined);
  });

  test('the array of items is the same until something changes', () => {
    const log = new LogTail({ self: 'me' });
    log.merge(run(1, 3));
    const { items } = log;
    log.merge(run(1, 2));
    log.raise(2, 2);
    assert.equal(log.items, items);
    log.merge([item(4)]);
    assert.notEqual(log.items, items);
    assert.equal(items.length, 3);
  });

  test('trimming drops the oldest, which are then to be had again', () => {
    const log = new LogTail({ self: 'me' });
    log.merge(run(1, 30));
    assert.equal(log.hasOlder, false);
    log.trim(10);
    assert.deepEqual([log.firstSeq, log.lastSeq, log.hasOlder], [21, 30, true]);
  });

  test('what is announced and does not exist is not wanted for ever', () => {
    const log = new LogTail({ self: 'me' });
    log.merge(run(1, 3));
    log.noteHead(9);
    assert.deepEqual(log.wanted(), { t: 'range', fromSeq: 4, toSeq: 9 });
    log.settleHead(3);
    assert.equal(log.wanted(), undefined);
  });
});

/** A log with recalls in it, as the server has it at each length. */
const serverLog = fc
  .array(fc.record({ recall: fc.boolean(), target: fc.nat({ max: 100 }) }), { minLength: 1, maxLength: 60 })
  .map((steps) => {
    const log = new FakeLog({ convId: 'c', kind: ConversationKind.GROUP, members: ['ann'], salt: 5n });
    // What a page would have answered after each entry.
    const history: HeldItem[][] = [];
    for (const { recall, target } of steps) {
      if (recall && log.headSeq > 0) {
        const targetSeq = BigInt((target % log.headSeq) + 1);
        log.append('bob', '', { case: 'recall', value: { $typeName: 'parley.chat.v1.Recall', targetSeq } });
      } else log.append('ann', '', textContent(`text ${log.headSeq + 1}`));
      history.push(log.entries.map(itemOf));
    }
    return history;
  });

test('property: deliveries in any order, repeated, partial and stale, end in the log of the server', () => {
  fc.assert(
    fc.property(
      serverLog,
      fc.array(fc.tuple(fc.nat(), fc.nat({ max: 100 }), fc.nat({ max: 15 })), { maxLength: 80 }),
      (history, deliveries) => {
        const server = history.at(-1) as HeldItem[];
        const log = new LogTail({ self: 'me' });
        let reported = 0;
        for (const [age, start, length] of deliveries) {
          // A page as it was at some earlier time.
          const page = history[age % history.length] as HeldItem[];
          const from = start % page.length;
          const firstBefore = log.firstSeq;
          const grown = log.merge(page.slice(from, from + length));
          if (firstBefore > 0) assert.ok(log.firstSeq <= firstBefore, 'nothing is lost at the front');
          for (const one of grown) {
            assert.ok(reported === 0 || one.seq === reported + 1, 'growth is reported once, in order');
            reported = lastSeqOf(one);
          }
          assertContiguous(log);
        }
        log.noteHead(server.length);
        fill(log, server);
        assert.equal(log.lastSeq, server.length);
        // An older, stale page can still bring a message as it was before its recall, never after it.
        assert.deepEqual(log.items, server.slice(log.firstSeq - 1));
      },
    ),
    { numRuns: 500 },
  );
});

function assertContiguous(log: LogTail): void {
  for (const [at, one] of log.items.entries()) {
    const before = log.items[at - 1];
    assert.ok(before === undefined || one.seq === lastSeqOf(before) + 1, `a gap before ${one.seq}`);
  }
}

/** Answers what the log wants until it wants nothing. */
function fill(log: LogTail, server: readonly HeldItem[]): void {
  for (let rounds = 0; rounds < 100; rounds++) {
    const want = log.wanted();
    if (want === undefined) return;
    if (want.t === 'tail') log.merge(server.slice(-5));
    else log.merge(server.slice(want.fromSeq - 1, Math.min(want.toSeq, want.fromSeq + 6)));
  }
  assert.fail('the log never has enough');
}
