import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConvId } from '../core/ids.ts';
import { Ownership } from './ownership.ts';

const convIds = Array.from({ length: 300 }, (_, no) => `g${no}` as ConvId);
const named = (...nodeIds: string[]) => nodeIds.map((nodeId) => ({ nodeId }));

describe('ownership', () => {
  it('is of nothing before others and itself are seen, and after it is among them no more', () => {
    const ownership = new Ownership('m1');
    assert.equal(
      convIds.some((convId) => ownership.owns(convId)),
      false,
    );
    ownership.see(named('m1'));
    assert.equal(
      convIds.every((convId) => ownership.owns(convId)),
      true,
    );
    ownership.see(named('m2'));
    assert.equal(
      convIds.some((convId) => ownership.owns(convId)),
      false,
    );
  });

  it('is of each conversation one node, where all see the same', () => {
    const nodes = ['m1', 'm2', 'm3'].map((nodeId) => new Ownership(nodeId));
    for (const [no, node] of nodes.entries())
      node.see(named(...['m3', 'm1', 'm2'].slice(no), ...['m3', 'm1', 'm2'].slice(0, no)));
    for (const convId of convIds) assert.equal(nodes.filter((node) => node.owns(convId)).length, 1);
  });

  it('is of whatever is asked for while nobody can say who the others are', () => {
    const ownership = new Ownership('m1');
    ownership.see(named('m2'));
    assert.equal(ownership.see(undefined), false);
    assert.equal(
      convIds.every((convId) => ownership.owns(convId)),
      true,
    );
    // What it took meanwhile is not its own any more.
    assert.equal(ownership.see(named('m2')), true);
    assert.equal(
      convIds.some((convId) => ownership.owns(convId)),
      false,
    );
    assert.equal(ownership.see(named('m2')), false);
  });

  it('says whether what is seen has changed', () => {
    const ownership = new Ownership('m1');
    assert.equal(ownership.see(named('m1', 'm2')), true);
    assert.equal(ownership.see(named('m2', 'm1')), false);
    assert.equal(ownership.see(named('m2')), true);
  });
});
