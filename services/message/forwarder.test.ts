import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Fault } from '../core/fault.ts';
import type { ConvId } from '../core/ids.ts';
import { maxForwardSpans } from '../peer/peer-frames.ts';
import type { OutboxRow, OutboxSpan } from '../ports/outbox.ts';
import { Forwarder } from './forwarder.ts';

const span = (convId: string): OutboxSpan => ({
  convNo: 1n,
  convId: convId as ConvId,
  firstSeq: 1,
  lastSeq: 2,
});

const row = (batchId: bigint, ...convIds: readonly string[]): OutboxRow => ({
  batchId,
  createdAtMs: 0,
  spans: convIds.map(span),
});

/** Conversations belong to the node that their id begins with; nodes do what `refuses` does not say. */
function scene(refuses: (node: string, convId: string) => boolean = () => false) {
  const asked: [string, string[]][] = [];
  const forward = async (nodeId: string, spans: readonly OutboxSpan[]) => {
    asked.push([nodeId, spans.map(({ convId }) => convId)]);
    if (nodeId === 'gone') throw new Fault('ownerLost');
    return [...spans.keys()].filter((place) => !refuses(nodeId, (spans[place] as OutboxSpan).convId));
  };
  const forwarder = new Forwarder({
    nodeId: 'self',
    ownerOf: (convId) => (convId.startsWith('nobody') ? undefined : convId.split(' ')[0]),
    self: { forward: (spans) => forward('self', spans) },
    others: { forward },
  });
  return { asked, forwarder };
}

describe('forwarding what rows refer to', () => {
  it('is asked of each owner once, and done when all have confirmed', async () => {
    const { asked, forwarder } = scene();
    const rows = [row(1n, 'self a', 'other b'), row(2n, 'other c', 'third d')];
    assert.deepEqual(await forwarder.forward(rows), new Set([1n, 2n]));
    assert.deepEqual(asked.toSorted(), [
      ['other', ['other b', 'other c']],
      ['self', ['self a']],
      ['third', ['third d']],
    ]);
  });

  it('is not done where an owner refuses, is not reached, or is not known', async () => {
    const { forwarder } = scene((_, convId) => convId === 'other c');
    const rows = [
      row(1n, 'self a', 'other b'),
      row(2n, 'self a', 'other c'),
      row(3n, 'gone a', 'self b'),
      row(4n, 'nobody', 'self c'),
      row(5n, 'other d'),
    ];
    assert.deepEqual(await forwarder.forward(rows), new Set([1n, 5n]));
  });

  it('I6: is asked in parts, each as large as a frame may be', async () => {
    const { asked, forwarder } = scene((_, convId) => convId === 'other 1100');
    const rows = Array.from({ length: 1_200 }, (_, no) => row(BigInt(no), `other ${no}`));
    const confirmed = await forwarder.forward(rows);
    assert.deepEqual(
      asked.map(([, convIds]) => convIds.length),
      [maxForwardSpans, maxForwardSpans, 200],
    );
    assert.equal(confirmed.size, 1_199);
    assert.ok(!confirmed.has(1_100n));
  });
});
