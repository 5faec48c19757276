import assert from 'node:assert/strict';
import { it } from 'node:test';
import { retryAfterMs, retryWaitMs } from './retry-after.ts';

it('Retry-After is read in seconds and as a date; anything else is none', () => {
  const nowMs = Date.parse('2026-11-28T12:00:00Z');
  const cases: readonly (readonly [string | undefined, number | undefined])[] = [
    [undefined, undefined],
    ['0', 0],
    ['120', 120_000],
    [' 7 ', 7_000],
    ['Sat, 28 Nov 2026 12:00:30 GMT', 30_000],
    ['Sat, 28 Nov 2026 11:00:00 GMT', 0],
    ['-1', undefined],
    ['1.5', undefined],
    ['soon', undefined],
    ['99999999999999', undefined],
    ['', undefined],
  ];
  for (const [header, expected] of cases) assert.equal(retryAfterMs(header, nowMs), expected, String(header));
});

it('a retry waits as long as it is asked to, within the bounds of the backoff', () => {
  const bounds = { firstMs: 1_000, maxMs: 60_000 };
  const wait = (attempt: number, header?: string) => retryWaitMs(attempt, header, 0, bounds, () => 0);
  assert.equal(wait(0), 500);
  assert.equal(wait(3), 4_000);
  assert.equal(wait(0, '20'), 20_000);
  assert.equal(wait(0, '3600'), 60_000);
  assert.equal(wait(3, '1'), 4_000);
  assert.equal(wait(20, '0'), 30_000);
});
