import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { rendezvous } from './rendezvous.ts';

const nodes = (count: number) => Array.from({ length: count }, (_, no) => ({ nodeId: `message-${no}` }));
const keys = Array.from({ length: 20_000 }, (_, no) => `d_${no.toString(36)}`);

describe('rendezvous', () => {
  it('chooses the same node whatever the order', () => {
    fc.assert(
      fc.property(fc.string(), fc.shuffledSubarray(nodes(7), { minLength: 1 }), (key, some) => {
        assert.equal(rendezvous(key, some), rendezvous(key, some.toReversed()));
      }),
    );
    assert.equal(rendezvous('any', []), undefined);
  });

  it('gives every node about its share', () => {
    const counts = new Map<string, number>();
    for (const key of keys) {
      const { nodeId = '' } = rendezvous(key, nodes(5)) ?? {};
      counts.set(nodeId, (counts.get(nodeId) ?? 0) + 1);
    }
    for (const count of counts.values()) assert.ok(count > 3_600 && count < 4_400, `${count} of 20,000`);
  });

  it('moves only what a new node gains', () => {
    let moved = 0;
    for (const key of keys) {
      const before = rendezvous(key, nodes(4))?.nodeId;
      const after = rendezvous(key, nodes(5))?.nodeId;
      if (before === after) continue;
      moved += 1;
      assert.equal(after, 'message-4');
    }
    assert.ok(moved > 3_600 && moved < 4_400, `${moved} of 20,000`);
  });
});
