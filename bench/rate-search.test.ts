import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findBestRate, median } from './rate-search.ts';

const options = { startRate: 1000, factor: 1.5, refinements: 4, maxRate: 1e6, confirmations: 3 };

test('finds the rate at which a server gives way', async () => {
  for (const limit of [80, 300, 1000, 4321, 77_000]) {
    const found = await findBestRate(async (rate) => ({ rate, good: rate <= limit }), options);
    assert.ok(found !== undefined);
    assert.ok(found.rate <= limit && found.rate > limit * 0.9, `${found.rate} for ${limit}`);
    assert.equal(found.passes.length, 3);
  }
});

test('one bad pass is no limit, two in a row are', async () => {
  let passes = 0;
  const found = await findBestRate(async (rate) => ({ rate, good: rate <= 5000 && ++passes % 2 === 0 }), {
    ...options,
    confirmations: 1,
  });
  assert.ok(found !== undefined && found.rate > 4000);
});

test('goes down where the best rate is not confirmed', async () => {
  const trials: number[] = [];
  const found = await findBestRate(async (rate) => {
    trials.push(rate);
    return { rate, good: trials.length < 8 ? rate <= 3000 : rate <= 1500 };
  }, options);
  assert.ok(found !== undefined && found.rate <= 1500 && found.rate > 1300, `${found?.rate}`);
});

test('a server that can do nothing has no rate', async () => {
  assert.equal(await findBestRate(async (rate) => ({ rate, good: false }), options), undefined);
});

test('median', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2);
  assert.equal(median([]), 0);
});
