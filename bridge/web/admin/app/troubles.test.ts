import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromJson, type JsonObject } from '@bufbuild/protobuf';
import { ListNodesResponseSchema } from '../../../../gen/parley/chat/v1/cluster_pb.ts';
import { troublesOf } from './troubles.ts';

function node(id: string, role: string, more: JsonObject = {}, figures: JsonObject = {}): JsonObject {
  const said = {
    version: '1',
    storeEpoch: 'e',
    directoryAvailable: true,
    owners: ['m1', 'm2'],
    roles: [role],
  };
  return {
    id,
    leases: [{ role, state: 'ready', address: `${id}:9505` }],
    figures: {
      ...said,
      ...(role === 'group' ? { owners: [] } : {}),
      ...(role === 'message' ? { message: { storeAccepting: true } } : {}),
      ...figures,
    },
    ...more,
  };
}

const told = (nodes: readonly JsonObject[], directoryAvailable = true) =>
  troublesOf(fromJson(ListNodesResponseSchema, { nodes: [...nodes], directoryAvailable }));
const [e1, g1, m1] = [node('e1', 'connection'), node('g1', 'group'), node('m1', 'message')];
const m2 = (more?: JsonObject, figures?: JsonObject) => [e1, g1, m1, node('m2', 'message', more, figures)];

test('all is well, of a cluster and of a process that is alone', () => {
  assert.deepEqual(told(m2()), []);
  assert.deepEqual(told([node('one', 'message', { leases: [] })]), []);
});

test('what should not be so is told', () => {
  const { figures: _, ...silent } = node('m2', 'message', { problem: 'no answer' });
  const cases: readonly (readonly [readonly JsonObject[], RegExp])[] = [
    [[e1, g1, m1, silent], /m2 does not answer: no answer/],
    [m2({ leases: [] }), /Only one message node/],
    [m2().filter((each) => each !== g1), /No group node is ready/],
    [m2({}, { version: '2' }), /different versions: 1, 2/],
    [m2({}, { storeEpoch: 'f' }), /different epochs/],
    [m2({}, { owners: ['m2'] }), /do not agree/],
    [m2({}, { message: { storeAccepting: false } }), /store of m2 takes no commits/],
    [m2({}, { directoryAvailable: false }), /m2 does not reach/],
    [m2({ clockSkewMs: -900 }), /clock of m2 is -900 ms off/],
  ];
  for (const [nodes, wanted] of cases) {
    const troubles = told(nodes);
    assert.equal(troubles.length, 1, troubles.join(' '));
    assert.match(troubles[0] ?? '', wanted);
  }
  assert.match(told(m2(), false)[0] ?? '', /directory can not be read/);
});
