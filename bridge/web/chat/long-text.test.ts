import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isJumbo, isLong } from './long-text.ts';

test('long texts and texts of many lines are folded', () => {
  assert.ok(!isLong('a'.repeat(1_400)));
  assert.ok(isLong('a'.repeat(1_401)));
  assert.ok(!isLong('a\n'.repeat(19)));
  assert.ok(isLong('a\n'.repeat(20)));
});

test('a few emoji alone are drawn large', () => {
  for (const text of ['👍', '👩‍👩‍👧 🎉', '🇩🇪🏴‍☠️👋🏽']) assert.ok(isJumbo(text), text);
  for (const text of ['', '👍👍👍👍', 'ok 👍', '1', '#']) assert.ok(!isJumbo(text), text);
});
