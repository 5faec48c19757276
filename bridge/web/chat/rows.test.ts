import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { MessageBodySchema } from '../../../gen/parley/chat/v1/entry_pb.ts';
import type { ConversationLog, LogContent, LogItem, PendingSend } from '../../../sdk/types.ts';
import { type Row, rowsOf } from './rows.ts';

const noon = new Date(2026, 10, 24, 12, 0).getTime();
const minute = 60_000;

function item(seq: number, sender: string, atMs: number, content?: LogContent): LogItem {
  const body = create(MessageBodySchema, { content: { case: 'text', value: `text ${seq}` } });
  return {
    seq,
    msgId: String(seq),
    sender,
    createdAtMs: atMs,
    revision: 0,
    clientId: `k${seq}`,
    content: content ?? { t: 'message', body },
    status: sender === 'me' ? 'sent' : undefined,
  };
}

function pending(clientId: string, atMs: number): PendingSend {
  return { clientId, convId: 'c', text: 'x', createdAtMs: atMs, status: 'pending', problem: '' };
}

function rows(items: readonly LogItem[], more: Partial<ConversationLog> = {}, unreadAfter?: number) {
  const log = {
    convId: 'c',
    items,
    pending: [],
    hasOlder: false,
    loadingOlder: false,
    stored: false,
    ...more,
  };
  return rowsOf({ log, me: 'me', unreadAfter });
}

/** `start day m1( m2 m3)` : brackets show where runs begin and end. */
function sketch(list: readonly Row[]): string {
  return list
    .map((row) => {
      if (row.t === 'day' || row.t === 'start' || row.t === 'older' || row.t === 'unread') return row.t;
      if (row.t === 'notice') return `n${row.item.seq}`;
      const name = row.t === 'message' ? row.item.seq : row.send.clientId;
      return `${row.first ? '(' : ''}${name}${row.last ? ')' : ''}`;
    })
    .join(' ');
}

test('messages of one sender form runs, which pauses and other senders end', () => {
  const list = rows([
    item(1, 'ann', noon),
    item(2, 'ann', noon + minute),
    item(3, 'bob', noon + minute),
    item(4, 'bob', noon + 7 * minute),
    item(5, 'me', noon + 7 * minute),
  ]);
  assert.equal(sketch(list), 'start day (1 2) (3) (4) (5)');
});

test('each day has one heading, and a clock that goes back makes no second one', () => {
  const list = rows([
    item(1, 'ann', noon - 24 * 60 * minute),
    item(2, 'ann', noon),
    item(3, 'ann', noon - 24 * 60 * minute),
    item(4, 'ann', noon + minute),
  ]);
  assert.equal(list.filter((row) => row.t === 'day').length, 2);
  assert.equal(new Set(list.map((row) => row.key)).size, list.length);
});

test('what was before one joined has no time, and no day', () => {
  const hidden = item(1, '', 0, { t: 'hidden', throughSeq: 7 });
  const list = rows([hidden, item(8, 'ann', noon), item(9, 'ann', noon + minute)]);
  assert.equal(sketch(list), 'start n1 day (8 9)');
  assert.equal(sketch(rows([hidden])), 'start n1');
});

test('what only a newer page would know shows nothing', () => {
  const unknown = item(2, 'ann', noon, { t: 'hidden', throughSeq: 2 });
  assert.equal(sketch(rows([item(1, 'ann', noon), unknown, item(3, 'ann', noon)])), 'start day (1 3)');
});

test('midnight ends a run', () => {
  const midnight = new Date(2026, 10, 25).getTime();
  assert.equal(
    sketch(rows([item(1, 'ann', midnight - 1), item(2, 'ann', midnight)])),
    'start day (1) day (2)',
  );
});

test('the line for unread messages stands before the first one of somebody else', () => {
  const items = [item(1, 'ann', noon), item(2, 'me', noon), item(3, 'ann', noon), item(4, 'ann', noon)];
  assert.equal(sketch(rows(items, {}, 1)), 'start day (1) (2) unread (3 4)');
  assert.equal(sketch(rows(items, {}, 4)), 'start day (1) (2) (3 4)');
  assert.equal(sketch(rows(items)), 'start day (1) (2) (3 4)');
});

test('the line waits while what is unread begins before what is loaded', () => {
  const items = [item(5, 'ann', noon), item(6, 'ann', noon)];
  assert.equal(sketch(rows(items, { hasOlder: true }, 2)), 'older day (5 6)');
  assert.equal(sketch(rows(items, { hasOlder: true }, 4)), 'older day unread (5 6)');
  assert.equal(sketch(rows(items, {}, 2)), 'start day unread (5 6)');
});

test('changes of the group stand between, recalls show only at their target', () => {
  const items = [
    item(1, 'ann', noon, { t: 'groupCreated', name: 'Crew', members: ['ann', 'me'] }),
    item(2, 'ann', noon, { t: 'recalled', by: 'ann' }),
    item(3, 'ann', noon, { t: 'recall', targetSeq: 2 }),
    item(4, 'ann', noon),
  ];
  assert.equal(sketch(rows(items, { hasOlder: true })), 'older day n1 (2 4)');
});

test('pending sends follow, in the run of the own messages before', () => {
  const list = rows([item(1, 'me', noon)], { pending: [pending('p1', noon), pending('p2', noon)] });
  assert.equal(sketch(list), 'start day (1 p1 p2)');
});

test('a message keeps its key when it is stored, and never shows twice', () => {
  const before = rows([], { pending: [pending('k7', noon)] });
  const between = rows([item(7, 'me', noon)], { pending: [pending('k7', noon)] });
  assert.equal(before.at(-1)?.key, between.at(-1)?.key);
  assert.equal(sketch(between), 'start day (7)');
  // Client ids belong to a sender: somebody else's may be the same.
  assert.equal(
    new Set(rows([item(7, 'me', noon), { ...item(8, 'ann', noon), clientId: 'k7' }]).map((r) => r.key)).size,
    4,
  );
});
