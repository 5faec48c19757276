import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { ListNodesResponseSchema } from '../../../../gen/parley/chat/v1/cluster_pb.ts';
import { ratesBetween } from './rates.ts';

const look = (...nodes: readonly [id: string, startedAtMs: number, nowMs: number, entries: number][]) =>
  create(ListNodesResponseSchema, {
    nodes: nodes.map(([id, startedAtMs, nowMs, entries]) => ({
      id,
      figures: {
        startedAtMs: BigInt(startedAtMs),
        nowMs: BigInt(nowMs),
        message: { entries: BigInt(entries) },
        connection: { deliveries: BigInt(2 * entries) },
      },
    })),
  });

test('rates are those of all nodes, each by its own clock', () => {
  const rates = ratesBetween(
    look(['a', 1, 1_000, 10], ['b', 1, 500, 0]),
    look(['a', 1, 3_000, 30], ['b', 1, 1_500, 5]),
  );
  assert.deepEqual(rates, { entries: 15, deliveries: 30 });
});

test('a node that began anew, or was not there, counts for nothing', () => {
  const before = look(['a', 1, 1_000, 10]);
  assert.deepEqual(ratesBetween(before, look(['a', 1, 2_000, 11], ['b', 1, 2_000, 500])), {
    entries: 1,
    deliveries: 2,
  });
  assert.equal(ratesBetween(before, look(['a', 1_500, 2_000, 900])), undefined);
  assert.equal(ratesBetween(before, before), undefined);
});
