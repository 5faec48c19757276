import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { NodeRecord } from '../ports/directory.ts';
import { type NodeChange, type NodeView, type NodeViewEvent, step, unknownNodes } from './node-view.ts';

const config = { staleAfterMs: 1_000, settleMs: 3_000 };

function node(id: string, fields: Partial<NodeRecord> = {}): NodeRecord {
  const usual = { state: 'ready', load: 0, incarnation: 1, protocol: 1 } as const;
  return { role: 'message', id, address: `${id}:1`, ...usual, ...fields };
}

const listed = (nowMs: number, nodes: readonly NodeRecord[], generation = 'a'): NodeViewEvent => ({
  t: 'listed',
  listing: { nodes, generation },
  nowMs,
});
const failed: NodeViewEvent = { t: 'failed' };

/** What events bring, one after another, in words. */
function run(...events: readonly NodeViewEvent[]): { readonly view: NodeView; readonly said: string[][] } {
  let view = unknownNodes;
  const said = events.map((event) => {
    const [next, changes] = step(view, event, config);
    view = next;
    return changes.map(words);
  });
  return { view, said };
}

const words = (change: NodeChange): string => ('node' in change ? `${change.t} ${change.node.id}` : change.t);
/** Listings every half second over the time given, so that the view settles. */
const steady = (fromMs: number, toMs: number, nodes: readonly NodeRecord[], generation = 'a') => {
  const events: NodeViewEvent[] = [];
  for (let nowMs = fromMs; nowMs <= toMs; nowMs += 500) events.push(listed(nowMs, nodes, generation));
  return events;
};
const [one, two] = [node('one'), node('two')];

describe('a view of nodes', () => {
  it('takes in at once whom it sees, and believes in absence later', () => {
    const { said } = run(...steady(0, 3_000, [one]));
    assert.deepEqual(said, [['joined one'], [], [], [], [], [], ['available']]);
  });

  it('tells of nodes that come, change, return and leave', () => {
    const { said, view } = run(
      ...steady(0, 3_000, [one]),
      listed(3_500, [one, two]),
      listed(4_000, [node('one', { load: 0.5 }), two]),
      listed(4_500, [node('one', { incarnation: 2 }), two]),
      listed(5_000, [two]),
    );
    assert.deepEqual(said.slice(7), [['joined two'], ['changed one'], ['joined one'], ['left one']]);
    assert.deepEqual([...view.nodes.keys()], ['two']);
  });

  it('declares nobody dead because the directory is away, or comes back empty', () => {
    const { said, view } = run(
      ...steady(0, 3_000, [one, two]),
      failed,
      failed,
      listed(20_000, [], ''),
      listed(20_500, [two], 'b'),
      ...steady(21_000, 23_000, [one, two], 'b'),
      listed(23_500, [one, two], 'b'),
    );
    const rest = said.slice(7).flat();
    assert.deepEqual(rest, ['unavailable', 'available']);
    assert.equal(view.nodes.size, 2);
  });

  it('declares those dead who are missing when it has settled', () => {
    const { said } = run(...steady(0, 3_000, [one, two]), failed, ...steady(10_000, 13_000, [two]));
    assert.deepEqual(said.slice(7).flat(), ['unavailable', 'available', 'left one']);
  });

  it('settles anew when the directory was emptied between two looks', () => {
    const { said } = run(...steady(0, 3_000, [one]), listed(3_500, [], 'b'), listed(4_000, [one], 'b'));
    assert.deepEqual(said.slice(7), [['unavailable'], []]);
  });

  it('settles anew when it was not looked at for a while: nobody may have been able to renew', () => {
    const { said } = run(...steady(0, 3_000, [one]), listed(4_001, []), listed(4_500, [one]));
    assert.deepEqual(said.slice(7), [['unavailable'], []]);
    assert.deepEqual(run(...steady(0, 3_000, [one]), listed(4_000, [])).said[7], ['left one']);
  });

  it('never calls anybody gone while it is unavailable, and agrees with the listing while it is available', () => {
    const rarely = <T>(usual: readonly T[], rare: T) =>
      fc.oneof(
        { weight: 30, arbitrary: fc.constantFrom(...usual) },
        { weight: 1, arbitrary: fc.constant(rare) },
      );
    const event = fc.oneof(
      { weight: 1, arbitrary: fc.constant(failed) },
      {
        weight: 30,
        arbitrary: fc.record({
          nodes: fc.uniqueArray(fc.constantFrom('one', 'two', 'three'), { maxLength: 3 }),
          generation: rarely(['a'], 'b'),
          afterMs: rarely([1, 400, 500, 900], 1_001),
        }),
      },
    );
    const settled = { count: 0 };
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        let view = unknownNodes;
        let nowMs = 0;
        const told = new Set<string>();
        for (const each of events) {
          let taken: NodeViewEvent = failed;
          if ('nodes' in each) {
            nowMs += each.afterMs;
            taken = listed(
              nowMs,
              each.nodes.map((id) => node(id)),
              each.generation,
            );
          }
          const [next, changes] = step(view, taken, config);
          for (const change of changes) {
            if (change.t === 'joined') told.add(change.node.id);
            if (change.t !== 'left') continue;
            assert.equal(next.t, 'available');
            assert.ok(told.delete(change.node.id));
          }
          // Whoever adds up the changes knows what the view knows.
          assert.deepEqual([...told].sort(), [...next.nodes.keys()].sort());
          if (next.t === 'available' && taken.t === 'listed') {
            settled.count += 1;
            assert.equal(next.nodes.size, taken.listing.nodes.length);
          }
          view = next;
        }
      }),
      { numRuns: 2_000 },
    );
    assert.ok(settled.count > 100, `${settled.count}`);
  });
});
