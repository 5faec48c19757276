import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { leastRecent } from './least-recent.ts';

const used = (usedAtMs: number) => ({ usedAtMs });

describe('the least recently used', () => {
  it('of few are exactly those', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(99), { maxLength: 200 }), fc.nat(220), (times, count) => {
        const chosen = leastRecent(times.map(used), count).map(({ usedAtMs }) => usedAtMs);
        const sorted = times.toSorted((one, other) => one - other).slice(0, count);
        assert.deepEqual(
          chosen.toSorted((one, other) => one - other),
          sorted,
        );
      }),
    );
  });

  it('of many are about so many, each at most once, and old', () => {
    // Used in an order that has nothing to do with where they stand.
    const items = Array.from({ length: 50_000 }, (_, no) => used((no * 7_919) % 50_000));
    for (const count of [1, 5_000, 25_000, 49_999]) {
      const chosen = leastRecent(items, count);
      assert.equal(new Set(chosen).size, chosen.length);
      assert.ok(chosen.length <= count && chosen.length >= Math.min(count, 0.9 * count), `${chosen.length}`);
      assert.ok(chosen.every(({ usedAtMs }) => usedAtMs <= 1.1 * count + 1_000));
    }
  });

  it('are found where all were used at once', () => {
    assert.equal(
      leastRecent(
        Array.from({ length: 5_000 }, () => used(7)),
        100,
      ).length,
      100,
    );
  });
});
