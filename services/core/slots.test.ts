import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Slots } from './slots.ts';

describe('slots', () => {
  it('behave like a map whose numbers are never given twice', () => {
    const action = fc.oneof(
      fc.record({ t: fc.constant('add' as const) }),
      fc.record({ t: fc.constant('take' as const), pick: fc.nat(200) }),
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
        const slots = new Slots<string>();
        const model = new Map<number, string>();
        const given: number[] = [];
        for (const [step, one] of actions.entries()) {
          if (one.t === 'add') {
            const number = slots.add(`item ${step}`);
            assert.ok(number > 0 && !given.includes(number));
            given.push(number);
            model.set(number, `item ${step}`);
            continue;
          }
          const number = given[one.pick % Math.max(1, given.length)] ?? 7;
          assert.equal(slots.get(number), model.get(number));
          assert.equal(slots.take(number), model.get(number));
          model.delete(number);
        }
        assert.equal(slots.size, model.size);
        assert.deepEqual(new Map(slots), model);
      }),
    );
  });

  it('go on while items are taken', () => {
    const slots = new Slots<string>();
    for (const item of ['a', 'b', 'c']) slots.add(item);
    const seen: string[] = [];
    for (const [number, item] of slots) {
      seen.push(item);
      slots.take(number);
    }
    assert.deepEqual(seen, ['a', 'b', 'c']);
    assert.equal(slots.size, 0);
  });
});
