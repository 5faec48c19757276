import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { TokenBucket } from './token-bucket.ts';

describe('a token bucket', () => {
  it('gives its burst at once, then says how long to wait', () => {
    const bucket = new TokenBucket(10, 3, 0);
    assert.deepEqual(
      [0, 0, 0, 0].map((now) => bucket.take(now)),
      [0, 0, 0, 100],
    );
    assert.equal(bucket.take(50), 50);
    assert.equal(bucket.take(100), 0);
  });

  it('fills up to its burst and no further', () => {
    const bucket = new TokenBucket(10, 2, 0);
    assert.deepEqual(
      [1e6, 1e6, 1e6].map((now) => bucket.take(now)),
      [0, 0, 100],
    );
  });

  it('is not moved by time that goes back', () => {
    const bucket = new TokenBucket(1, 1, 1_000);
    assert.equal(bucket.take(1_000), 0);
    assert.equal(bucket.take(0), 1_000);
    assert.equal(bucket.take(1_000), 1_000);
  });

  it('lets time pay back what was spent without asking', () => {
    const bucket = new TokenBucket(10, 4, 0);
    bucket.spend(0, 3);
    assert.deepEqual([bucket.debtMs(0), bucket.take(0)], [0, 0]);
    bucket.spend(0, 5);
    assert.deepEqual([bucket.debtMs(0), bucket.overdrawn(0), bucket.take(0)], [500, true, 600]);
    assert.deepEqual([bucket.overdrawn(100), bucket.overdrawn(101)], [false, false]);
    assert.deepEqual(
      [bucket.debtMs(499), bucket.debtMs(500), bucket.take(599), bucket.take(600)],
      [1, 0, 1, 0],
    );
    bucket.spend(600, 1_000);
    assert.equal(bucket.debtMs(600), 800);
  });

  it('takes what costs more than there is, and what comes next waits for it', () => {
    const bucket = new TokenBucket(10, 4, 0);
    assert.deepEqual([bucket.take(0, 7), bucket.take(0, 1), bucket.take(400)], [0, 400, 0]);
  });

  it('I6: never gives more than burst and rate allow, and what it says to wait is enough', () => {
    const waits = fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 200 });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 1, max: 20 }),
        waits,
        (rate, burst, gaps) => {
          const bucket = new TokenBucket(rate, burst, 0);
          let [now, taken] = [0, 0];
          for (const gap of gaps) {
            now += gap;
            const wait = bucket.take(now);
            if (wait === 0) taken += 1;
            else {
              now += wait;
              assert.equal(bucket.take(now), 0);
              taken += 1;
            }
            assert.ok(taken <= burst + (now / 1_000) * rate + 1e-6);
          }
        },
      ),
    );
  });
});
