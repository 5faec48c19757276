import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Typing } from './typing.ts';

describe('typing', () => {
  test('is void after a while without another word', () => {
    const typing = new Typing();
    assert.equal(typing.heard('c', 'ann', true, 0), true);
    assert.equal(typing.heard('c', 'bob', true, 1_000), true);
    assert.equal(typing.heard('c', 'ann', true, 5_000), false);
    assert.deepEqual(typing.in('c'), ['ann', 'bob']);
    assert.equal(typing.dueMs(), 6_000);
    assert.deepEqual(typing.tick(6_999), []);
    assert.deepEqual(typing.tick(7_000), ['c']);
    assert.deepEqual(typing.in('c'), ['ann']);
    assert.deepEqual(typing.tick(11_000), ['c']);
    assert.equal(typing.dueMs(), Number.POSITIVE_INFINITY);
  });

  test('ends with a word, or with the message', () => {
    const typing = new Typing();
    typing.heard('c', 'ann', true, 0);
    assert.equal(typing.heard('c', 'ann', false, 1), true);
    assert.equal(typing.stopped('c', 'ann'), false);
    assert.deepEqual(typing.in('c'), []);
  });

  test('of the user is said now and then', () => {
    const typing = new Typing();
    assert.deepEqual(
      [0, 1_000, 2_999, 3_000].map((ms) => typing.say('c', true, ms)),
      [true, false, false, true],
    );
    assert.equal(typing.say('c', false, 3_100), true);
    assert.equal(typing.say('c', false, 3_200), false);
    assert.equal(typing.say('c', true, 3_300), true);
  });

  test('is bounded', () => {
    const typing = new Typing();
    for (let n = 0; n < 2_000; n++) typing.heard(`c${n}`, 'ann', true, 0);
    assert.deepEqual(typing.in('c1999'), []);
    assert.equal(typing.clear().length, 1_000);
    assert.equal(typing.heard('c1999', 'ann', true, 0), true);
  });
});
