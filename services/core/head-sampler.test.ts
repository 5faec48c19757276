import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeadSampler } from './head-sampler.ts';

/** A generator of its own, so that what is drawn is always the same. */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test('so many are drawn, and they keep no rhythm', () => {
  const sampler = new HeadSampler({ ratio: 0.01, random: dice(7) });
  const drawn: number[] = [];
  for (let i = 0; i < 1_000_000; i++) if (sampler.take()) drawn.push(i);
  assert.ok(drawn.length > 9_500 && drawn.length < 10_500, `${drawn.length}`);
  const gaps = new Set(drawn.map((at, i) => at - (drawn[i - 1] ?? 0)));
  assert.ok(gaps.size > 200, `${gaps.size} different distances`);
});

test('all, or none', () => {
  const all = new HeadSampler({ ratio: 1, random: dice(1) });
  const none = new HeadSampler({ ratio: 0, random: dice(1) });
  const hardlyAny = new HeadSampler({ ratio: 1e-17, random: dice(1) });
  for (let i = 0; i < 1_000; i++) {
    assert.equal(all.take(), true);
    assert.equal(none.take(), false);
    assert.equal(hardlyAny.take(), false);
  }
});
