import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Acks } from './acks.ts';

function acks(): Acks {
  const one = new Acks();
  one.begin({ intervalMs: 500, bytes: 10_000 });
  return one;
}

describe('acknowledgements', () => {
  test('are due well within the interval, counted from the first entry', () => {
    const one = acks();
    one.note('a', 1, 1_000);
    one.note('a', 2, 1_200);
    assert.equal(one.dueMs(), 1_250);
    assert.deepEqual(one.take(1_249), []);
    assert.deepEqual(one.take(1_250), [[{ convId: 'a', seq: 2 }]]);
    assert.equal(one.dueMs(), Number.POSITIVE_INFINITY);
  });

  test('are due at once when many bytes have come', () => {
    const one = acks();
    one.note('a', 1, 1_000);
    one.received(4_999, 1_000);
    assert.equal(one.dueMs(), 1_250);
    one.received(1, 1_010);
    assert.deepEqual(one.take(1_010), [[{ convId: 'a', seq: 1 }]]);
    one.received(6_000, 1_020);
    assert.equal(one.dueMs(), Number.POSITIVE_INFINITY);
    one.note('a', 2, 1_030);
    assert.equal(one.dueMs(), 1_030);
  });

  test('fit into commands', () => {
    const one = acks();
    for (let n = 0; n < 600; n++) one.note(`c${n}`, n + 1, 0);
    assert.deepEqual(
      one.take(250).map((items) => items.length),
      [256, 256, 88],
    );
  });

  test('begin anew with a session', () => {
    const one = acks();
    one.note('a', 1, 0);
    one.begin({ intervalMs: 100, bytes: 10_000 });
    assert.equal(one.dueMs(), Number.POSITIVE_INFINITY);
    one.note('b', 1, 0);
    assert.equal(one.dueMs(), 50);
  });
});
