import assert from 'node:assert/strict';
import { test } from 'node:test';
import { appended } from './appended.ts';

test('a list grows item by item, whatever its length', () => {
  let list: number[] = [];
  for (let item = 0; item < 40; item += 1) list = appended(list, item);
  assert.deepEqual(
    list,
    Array.from({ length: 40 }, (_, item) => item),
  );
});

test('an item may be a list itself', () => {
  const lists = appended(appended<number[]>([], [1]), [2, 3]);
  assert.deepEqual(lists, [[1], [2, 3]]);
});
