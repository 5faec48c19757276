import assert from 'node:assert/strict';
import { it } from 'node:test';
import { silentLogger } from './core/log.ts';
import { DoorWatch } from './door-watch.ts';

function scene() {
  const clock = { nowMs: 0, monotonicMs: () => clock.nowMs, wallMs: () => clock.nowMs };
  const done: string[] = [];
  const state = { misplaced: false, taken: false, others: true };
  const told: boolean[] = [];
  const doors = {
    shut: () => void done.push('shut'),
    reopen: async () => {
      done.push('reopen');
      if (state.taken) throw new Error('the port is in use');
    },
  };
  const watch = new DoorWatch({
    doors,
    linked: () => !state.misplaced,
    othersServe: () => state.others,
    tell: (serves) => void told.push(serves),
    patienceMs: 5_000,
    clock,
    log: silentLogger,
  });
  const after = async (ms: number): Promise<string[]> => {
    clock.nowMs += ms;
    await watch.look();
    return done.splice(0);
  };
  return { watch, state, told, after };
}

it('doors are shut where users are better off elsewhere for a while, and opened again at once', async () => {
  const { watch, state, after } = scene();
  assert.deepEqual(await after(10_000), []);
  state.misplaced = true;
  assert.deepEqual([await after(1), await after(4_999)], [[], []]);
  state.misplaced = false;
  assert.deepEqual(await after(500), []);
  state.misplaced = true;
  assert.deepEqual([await after(500), await after(5_000), await after(500)], [[], ['shut'], []]);
  assert.equal(watch.isShut, true);
  state.misplaced = false;
  assert.deepEqual([await after(500), await after(500)], [['reopen'], []]);
  assert.equal(watch.isShut, false);
});

it('doors whose port is somebody else’s for a while are opened later', async () => {
  const { watch, state, after } = scene();
  state.misplaced = true;
  await after(1);
  assert.deepEqual(await after(5_000), ['shut']);
  Object.assign(state, { misplaced: false, taken: true });
  assert.deepEqual([await after(500), watch.isShut], [['reopen'], true]);
  state.taken = false;
  assert.deepEqual([await after(500), watch.isShut], [['reopen'], false]);
});

it('doors stay open where nobody is better off elsewhere, and what the edge is good for is told', async () => {
  const { watch, state, told, after } = scene();
  await after(1);
  Object.assign(state, { misplaced: true, others: false });
  assert.deepEqual([await after(10_000), await after(10_000), watch.isShut], [[], [], false]);
  state.others = true;
  assert.deepEqual([await after(500), await after(5_000)], [[], ['shut']]);
  // The others have lost theirs, too.
  state.others = false;
  assert.deepEqual(await after(500), ['reopen']);
  state.misplaced = false;
  await after(500);
  assert.deepEqual(told, [false, true]);
});
