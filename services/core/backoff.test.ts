import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { backoffMs } from './backoff.ts';

const config = { firstMs: 100, maxMs: 5_000 };

test('the bound doubles up to its limit', () => {
  const bounds = [0, 1, 2, 5, 6, 60, 5_000].map((attempt) => backoffMs(attempt, config, () => 1));
  assert.deepEqual(bounds, [100, 200, 400, 3_200, 5_000, 5_000, 5_000]);
});

test('a wait is between half of its bound and the bound', () => {
  fc.assert(
    fc.property(fc.nat(2_000), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, random) => {
      const least = backoffMs(attempt, config, () => 0);
      const most = backoffMs(attempt, config, () => 1);
      const wait = backoffMs(attempt, config, () => random);
      assert.equal(least, most / 2);
      assert.ok(wait >= least && wait <= most);
    }),
  );
});
