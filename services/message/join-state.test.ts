import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type JoinEvent, type JoinState, joining, step } from './join-state.ts';

const config = { leastMs: 500, mostMs: 2_500 };
const edges = (...nodeIds: string[]): JoinEvent => ({ t: 'edges', nodeIds });
const told = (...nodeIds: string[]): JoinEvent => ({ t: 'told', nodeIds });
const announced: JoinEvent = { t: 'announced' };
const time: JoinEvent = { t: 'time' };

/** Where the node stands after each of the events. */
function states(...events: readonly (readonly [number, JoinEvent])[]): string {
  let state: JoinState = joining;
  return events.map(([nowMs, event]) => (state = step(state, event, nowMs, config)).t[0]).join('');
}

describe('a message node that joins', () => {
  it('owns nothing before each live edge has told it of its sessions', () => {
    const before = [
      [0, announced],
      [1, edges('e1', 'e2')],
    ] as const;
    assert.equal(states(...before, [2, told('e1')], [600, time], [700, told('e1', 'e2')]), 'jjjjo');
    assert.equal(states(...before, [2, told('e1', 'e2')], [499, time], [500, time]), 'jjjjo');
  });

  it('waits for an edge that was lost again, and for one that comes late, but not for one that is gone', () => {
    const before = [
      [0, announced],
      [1, edges('e1', 'e2')],
      [2, told('e1', 'e2')],
    ] as const;
    assert.equal(states(...before, [3, told('e1')], [600, time], [700, told('e1', 'e2')]), 'jjjjjo');
    assert.equal(states(...before, [4, edges('e1', 'e2', 'e3')], [600, time]), 'jjjjj');
    assert.equal(states(...before, [3, told('e1')], [600, time], [700, edges('e1')]), 'jjjjjo');
  });

  it('believes that no edge lives once all had the time to say so, and not before the directory was asked', () => {
    assert.equal(states([0, announced], [1, edges()], [499, time], [500, time]), 'jjjo');
    assert.equal(states([0, announced], [600, told('e1')], [700, edges('e1')]), 'jjo');
  });

  it('does not wait for ever, from when others could see it', () => {
    assert.equal(states([0, edges('e1')], [9_000, announced], [11_499, time], [11_500, time]), 'jjjo');
  });

  it('stays an owner', () => {
    assert.equal(
      states([0, announced], [1, edges('e1')], [500, told('e1')], [600, told()], [601, edges('e2')]),
      'jjooo',
    );
  });

  it('in whatever order things happen, is one exactly when all have told or the time is up', () => {
    const names = fc.uniqueArray(fc.constantFrom('e1', 'e2', 'e3'));
    const event = fc.oneof(
      fc.record({ t: fc.constantFrom('edges' as const, 'told' as const), nodeIds: names }),
      fc.constant(time),
    );
    const events = fc.array(fc.tuple(fc.nat({ max: 400 }), event), { maxLength: 12 });
    fc.assert(
      fc.property(events, (list) => {
        let state = step(joining, announced, 0, config);
        let nowMs = 0;
        let listed: readonly string[] | undefined;
        let heard: readonly string[] = [];
        let owner = false;
        for (const [ms, one] of list) {
          nowMs += ms;
          if (one.t === 'edges') listed = one.nodeIds;
          if (one.t === 'told') heard = one.nodeIds;
          owner ||=
            nowMs >= config.mostMs ||
            (nowMs >= config.leastMs && listed?.every((nodeId) => heard.includes(nodeId)) === true);
          state = step(state, one, nowMs, config);
          assert.equal(state.t === 'owner', owner);
        }
      }),
    );
  });
});
