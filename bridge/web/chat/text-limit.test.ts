import assert from 'node:assert/strict';
import { test } from 'node:test';
import { maxTextLength, textLeft } from './text-limit.ts';

test('the counter shows near the limit, and counts UTF-16 units as the server does', () => {
  assert.deepEqual(textLeft('a'.repeat(maxTextLength - 1_001)), { label: '', over: false });
  assert.deepEqual(textLeft('a'.repeat(maxTextLength)), { label: '0 left', over: false });
  assert.equal(textLeft('😀'.repeat(maxTextLength / 2 + 1)).over, true);
  assert.match(textLeft('a'.repeat(maxTextLength + 7)).label, /^7 too many$/);
});

test('blanks around are not sent, and so not counted', () => {
  assert.equal(textLeft(`  ${'a'.repeat(maxTextLength)}\n`).over, false);
});
