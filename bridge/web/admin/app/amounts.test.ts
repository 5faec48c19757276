import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytes, count, duration, moment } from './amounts.ts';

test('amounts are short, and in units', () => {
  assert.deepEqual([0, 1_023, 1_024, 5_000_000n].map(bytes), ['0 B', '1023 B', '1.0 KiB', '4.8 MiB']);
  assert.deepEqual([0, 999, 1_000, 90_000, 7_260_000, 200_000_000].map(duration), [
    '0 ms',
    '999 ms',
    '1 s',
    '1 min',
    '2 h 1 min',
    '2 d 7 h',
  ]);
  assert.deepEqual([0, 3.14159, 7, 12_345].map(count), ['0', '3.1', '7', '12,345']);
  assert.equal(moment(0), '–');
  assert.match(moment(1_700_000_000_000), /^2023-11-1[45] \d\d:13:20$/);
});
