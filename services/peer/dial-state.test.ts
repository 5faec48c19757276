import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type DialEvent, type DialState, dialing, step } from './dial-state.ts';

const config = { backoff: { firstMs: 100, maxMs: 1_000 }, random: () => 1 };

function run(events: readonly DialEvent['t'][]): { state: DialState; effects: string[] } {
  let state = dialing;
  const effects: string[] = [];
  for (const t of events) {
    const [next, more] = step(state, { t }, config);
    state = next;
    effects.push(...more.map((effect) => (effect.t === 'wait' ? `wait ${effect.ms}` : effect.t)));
  }
  return { state, effects };
}

describe('a node that calls another', () => {
  it('tries again with growing waits', () => {
    const { effects } = run(['lost', 'timer', 'lost', 'timer', 'lost', 'timer', 'lost', 'timer', 'lost']);
    assert.deepEqual(
      effects.filter((effect) => effect !== 'dial'),
      ['wait 100', 'wait 200', 'wait 400', 'wait 800', 'wait 1000'],
    );
  });

  it('begins anew with short waits once a link was open', () => {
    const { effects } = run(['lost', 'timer', 'lost', 'timer', 'opened', 'lost']);
    assert.equal(effects.at(-1), 'wait 100');
  });

  it('hangs up when it is stopped, and does nothing more', () => {
    assert.deepEqual(run(['opened', 'stop', 'lost', 'timer', 'opened']), {
      state: { t: 'stopped' },
      effects: ['hangUp'],
    });
    assert.deepEqual(run(['lost', 'stop', 'timer']).effects, ['wait 100']);
  });

  it('dials once at a time, whatever happens', () => {
    const event = fc.constantFrom<DialEvent['t']>('opened', 'lost', 'timer', 'stop');
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        let dials = 1;
        let state = dialing;
        for (const t of events) {
          const before = state;
          const [next, effects] = step(state, { t }, config);
          state = next;
          if (effects.some((effect) => effect.t === 'dial')) {
            assert.equal(before.t, 'waiting', 'only after the one before was lost');
            dials += 1;
          }
          assert.ok(effects.length <= 1);
        }
        assert.ok(dials <= 1 + events.filter((t) => t === 'timer').length);
      }),
    );
  });
});
