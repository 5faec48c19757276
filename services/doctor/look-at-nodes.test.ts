import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { InspectNodeResponseSchema } from '../../gen/parley/node/v1/node_pb.ts';
import type { Answered, Unanswered } from '../admin/cluster-view.ts';
import { Fault } from '../core/fault.ts';
import type { NodeRole } from '../ports/directory.ts';
import { version } from '../version.ts';
import { Findings } from './finding.ts';
import { judgeNodes } from './look-at-nodes.ts';

type Inspected = Answered<typeof InspectNodeResponseSchema>;

interface Told {
  readonly version?: string;
  readonly storeEpoch?: string;
  readonly owners?: string[];
  readonly directoryAvailable?: boolean;
  readonly nowMs?: bigint;
  readonly message?: { readonly storeAccepting: boolean };
}

const nowMs = 1_700_000_000_000;
const caller = { call: () => Promise.reject(new Fault('internal')) };

function member(id: string, role: NodeRole, state: 'ready' | 'joining' = 'ready') {
  const lease = { role, id, address: `${id}:9505`, state, load: 0, incarnation: 1, protocol: 1 };
  return { id, leases: [lease], caller };
}

function node(id: string, role: NodeRole, told: Told = {}): Inspected {
  const figures = {
    nodeId: id,
    roles: [role],
    version: version(),
    storeEpoch: role === 'group' ? '' : 'epoch',
    owners: role === 'group' ? [] : ['m1', 'm2'],
    directoryAvailable: true,
    nowMs: BigInt(nowMs),
    ...told,
  };
  const answer = create(InspectNodeResponseSchema, { figures });
  return { member: member(id, role), answer, roundTripMs: 10, answeredAtMs: nowMs + 5 };
}

const well = [
  node('c1', 'connection'),
  node('c2', 'connection'),
  node('g1', 'group'),
  node('m1', 'message'),
  node('m2', 'message'),
];

function judged(answered: readonly Inspected[], unanswered: readonly Unanswered[] = []): string[] {
  const findings = new Findings('nodes');
  judgeNodes(answered, unanswered, findings);
  return findings.all
    .filter(({ severity }) => severity !== 'ok')
    .map(({ severity, found }) => `${severity} ${found}`);
}

/** The nodes that are well, one of them with something else to say. */
const but = (id: string, role: NodeRole, told: Told) =>
  well.map((each) => (each.member.id === id ? node(id, role, told) : each));

describe('what the doctor makes of nodes', () => {
  it('is nothing where all are of one mind', () => {
    assert.deepEqual(judged(well), []);
  });

  const cases: readonly [string, () => string[], RegExp][] = [
    ['nobody is there', () => judged([]), /error The directory knows no node/],
    [
      'one does not answer',
      () =>
        judged(well.slice(0, 4), [
          { member: member('m2', 'message'), problem: 'no answer', roundTripMs: 2_000 },
        ]),
      /error m2 holds a lease and does not answer at m2:9505: no answer/,
    ],
    ['one is alone in its role', () => judged(well.slice(0, 4)), /warning Only one message node is ready/],
    [
      'a role is missing',
      () => judged(well.filter(({ member: { id } }) => id !== 'g1')),
      /error No group node is ready/,
    ],
    [
      'versions differ',
      () => judged(but('m2', 'message', { version: '9' })),
      /warning The nodes have different versions: .*m2 \(9\)/,
    ],
    [
      'epochs differ',
      () => judged(but('m2', 'message', { storeEpoch: 'another' })),
      /error The nodes have different epochs of the store/,
    ],
    [
      'two believe to own the same',
      () => judged(but('m2', 'message', { owners: ['m2'] })),
      /error The nodes have different views of who owns conversations/,
    ],
    [
      'one does not reach Redis',
      () => judged(but('c1', 'connection', { directoryAvailable: false })),
      /error c1 does not reach Redis/,
    ],
    [
      'a store takes nothing',
      () => judged(but('m1', 'message', { message: { storeAccepting: false } })),
      /error The store of m1 takes no commits/,
    ],
    [
      'a clock is ahead',
      () => judged(but('m1', 'message', { nowMs: BigInt(nowMs + 900) })),
      /warning The clock of m1 .* 900 ms/,
    ],
    [
      'a clock is far behind',
      () => judged(but('m1', 'message', { nowMs: BigInt(nowMs - 60_000) })),
      /error The clock of m1 .* -60000 ms/,
    ],
  ];
  for (const [name, judge, wanted] of cases)
    it(`says that ${name}`, () => {
      const told = judge();
      assert.ok(
        told.some((each) => wanted.test(each)),
        told.join('\n'),
      );
    });
});
