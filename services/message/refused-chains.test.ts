import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConvId } from '../core/ids.ts';
import { RefusedChains } from './refused-chains.ts';

const [one, other] = ['one' as ConvId, 'other' as ConvId];

describe('refused chains', () => {
  it('refuse what carries the refused number or a lower one, in that conversation', () => {
    const chains = new RefusedChains();
    chains.refuse(one, 5);
    assert.deepEqual(
      [4, 5, 6].map((number) => chains.refuses(one, number)),
      [true, true, false],
    );
    assert.equal(chains.refuses(other, 1), false);
  });

  it('keep the highest number', () => {
    const chains = new RefusedChains();
    chains.refuse(one, 5);
    chains.refuse(one, 3);
    assert.equal(chains.refuses(one, 5), true);
  });

  it('I2: refuse everything once the edge is gone', () => {
    const chains = new RefusedChains();
    chains.refuse(one, 5);
    chains.close();
    assert.deepEqual([chains.refuses(one, 6), chains.refuses(other, 7)], [true, true]);
  });

  it('are forgotten when the number has risen', () => {
    const chains = new RefusedChains();
    chains.refuse(one, 5);
    assert.equal(chains.refuses(one, 6), false);
    assert.equal(chains.refuses(one, 5), false, 'nothing with the old number is under way');
  });

  it('I6: are so many at most; then one number stands for all, and rather refuses than passes', () => {
    const chains = new RefusedChains();
    for (let number = 1; number <= 1_025; number += 1) chains.refuse(`c${number}` as ConvId, number);
    for (const number of [1, 1_000, 1_025]) {
      assert.equal(chains.refuses(`c${number}` as ConvId, number), true);
      assert.equal(chains.refuses(one, number), true);
    }
    assert.equal(chains.refuses(one, 1_026), false);
  });
});
