import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { PairMap, PairSet } from './pair-map.ts';

const key = fc.constantFrom('a', 'b', 'c', 'd');
const step = fc.oneof(
  fc.record({ t: fc.constant('set' as const), key, value: fc.integer() }),
  fc.record({ t: fc.constant('delete' as const), key }),
);

describe('a map of pairs', () => {
  it('is a Map, for any number of entries', () => {
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const [map, model] = [new PairMap<string, number>(), new Map<string, number>()];
        for (const one of steps) {
          if (one.t === 'set') {
            map.set(one.key, one.value);
            model.set(one.key, one.value);
          } else assert.equal(map.delete(one.key), model.delete(one.key));
          assert.equal(map.size, model.size);
          assert.deepEqual([...map], [...model]);
          assert.deepEqual([...map.keys()], [...model.keys()]);
          assert.deepEqual([...map.values()], [...model.values()]);
          for (const asked of ['a', 'b', 'c', 'd', '']) {
            assert.equal(map.get(asked), model.get(asked));
            assert.equal(map.has(asked), model.has(asked));
          }
        }
      }),
    );
  });

  it('may have entries taken out while it is looked through', () => {
    for (const all of [['a'], ['a', 'b'], ['a', 'b', 'c', 'd']])
      for (const taken of [[], ['a'], ['b'], ['a', 'b']]) {
        const [set, model, met, expected] = [new PairSet<string>(), new Set(all), [], []] as [
          PairSet<string>,
          Set<string>,
          string[],
          string[],
        ];
        for (const one of all) set.add(one);
        for (const one of set.keys()) {
          met.push(one);
          for (const out of taken) set.delete(out);
        }
        for (const one of model) {
          expected.push(one);
          for (const out of taken) model.delete(out);
        }
        assert.deepEqual(met, expected);
        assert.deepEqual([...set.keys()], [...model]);
      }
  });

  it('is made of entries, the later ones of a key in place of the earlier', () => {
    const made = PairMap.of([
      ['a', 1],
      ['b', 2],
      ['a', 3],
    ]);
    assert.deepEqual(
      [...made],
      [
        ['a', 3],
        ['b', 2],
      ],
    );
  });
});
