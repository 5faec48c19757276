import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hueOf, initialsOf } from './avatar-look.ts';

test('initials are those of the first two words, whole graphemes', () => {
  assert.equal(initialsOf('alice'), 'A');
  assert.equal(initialsOf('Ada Lovelace King'), 'AL');
  assert.equal(initialsOf('user_001'), 'U0');
  assert.equal(initialsOf('👩‍👩‍👧 family'), '👩‍👩‍👧F');
  assert.equal(initialsOf('李 雷'), '李雷');
  assert.equal(initialsOf('e\u0301mile'), 'E\u0301');
  assert.equal(initialsOf('--'), '-');
  assert.equal(initialsOf(''), '');
});

test('a hue belongs to the id and uses the whole palette', () => {
  assert.equal(hueOf('alice'), hueOf('alice'));
  const used = new Set(Array.from({ length: 200 }, (_, i) => hueOf(`user-${i}`)));
  assert.deepEqual([...used].sort(), [0, 1, 2, 3, 4, 5, 6, 7]);
});
