import assert from 'node:assert/strict';
import { it } from 'node:test';
import { StallWatch } from './stall-watch.ts';

it('tells of a stall once, and counts as stalled until then', () => {
  const time = { ms: 0 };
  let told = 0;
  const watch = new StallWatch({
    clock: { wallMs: () => time.ms, monotonicMs: () => time.ms },
    limitMs: 1_000,
    stalled: () => {
      told += 1;
      assert.equal(watch.stalled, true);
    },
  });
  for (time.ms = 0; time.ms <= 5_000; time.ms += 1_000) watch.look();
  assert.equal(told, 0);
  time.ms = 5_000 + 1_001;
  assert.equal(watch.stalled, true);
  watch.look();
  assert.deepEqual([told, watch.stalled], [1, false]);
  watch.look();
  assert.equal(told, 1);
});
