import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { HeavyHitters } from './heavy-hitters.ts';

const added = fc.array(fc.tuple(fc.nat(40), fc.integer({ min: 1, max: 9 })), { maxLength: 400 });

/** What everybody has, counted without a bound. */
function exact(all: readonly (readonly [number, number])[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const [key, count] of all) counts.set(key, (counts.get(key) ?? 0) + count);
  return counts;
}

describe('heavy hitters', () => {
  it('are exact while there is room for all', () => {
    const hitters = new HeavyHitters<string>(3);
    hitters.add('a', 2);
    hitters.add('b', 5);
    hitters.add('a', 1);
    assert.deepEqual(
      [...hitters.values()].map(({ key, count, error }) => [key, count, error]),
      [
        ['a', 3, 0],
        ['b', 5, 0],
      ],
    );
  });

  it('I6: are as many as there is room for, never counted too low, too high by their error at most', () => {
    fc.assert(
      fc.property(added, fc.integer({ min: 1, max: 12 }), (all, capacity) => {
        const hitters = new HeavyHitters<number>(capacity);
        for (const [key, count] of all) hitters.add(key, count);
        const counts = exact(all);
        const listed = [...hitters.values()];
        assert.equal(listed.length, Math.min(capacity, counts.size));
        assert.equal(
          hitters.total,
          all.reduce((sum, [, count]) => sum + count, 0),
        );
        for (const { key, count, error } of listed) {
          const real = counts.get(key) ?? 0;
          assert.ok(real <= count && count - error <= real, `${key}: ${real}, told ${count} ± ${error}`);
        }
      }),
    );
  });

  it('include every key with more than its share of all, and say what the others have at most', () => {
    fc.assert(
      fc.property(added, fc.integer({ min: 1, max: 12 }), (all, capacity) => {
        const hitters = new HeavyHitters<number>(capacity);
        for (const [key, count] of all) hitters.add(key, count);
        const listed = new Set([...hitters.values()].map(({ key }) => key));
        for (const [key, count] of exact(all))
          if (!listed.has(key)) assert.ok(count <= hitters.floor, `${key} with ${count} > ${hitters.floor}`);
        for (const [key, count] of exact(all))
          if (count > hitters.total / capacity) assert.ok(listed.has(key), `${key} with ${count} is missing`);
      }),
    );
  });
});
