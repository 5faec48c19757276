import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LogRation } from './log-ration.ts';

test('a flood gets a few lines at once, then one a second, which says how much was left out', () => {
  let nowMs = 5_000;
  const ration = new LogRation({ wallMs: () => 0, monotonicMs: () => nowMs });
  const flood = (times: number) => Array.from({ length: times }, () => ration.take());
  assert.deepEqual(
    flood(20),
    Array.from({ length: 20 }, () => 0),
  );
  assert.deepEqual(new Set(flood(1_000)), new Set([undefined]));
  nowMs += 1_000;
  assert.deepEqual(flood(3), [1_000, undefined, undefined]);
  nowMs += 60_000;
  assert.deepEqual(flood(21), [2, ...Array.from({ length: 19 }, () => 0), undefined]);
});
