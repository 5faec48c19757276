import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create, type DescMessage, type MessageShape } from '@bufbuild/protobuf';
import { NodeService } from '../../gen/parley/node/v1/node_pb.ts';
import { systemClock } from '../core/clock.ts';
import { Fault } from '../core/fault.ts';
import type { NodeCaller } from '../peer/node-caller.ts';
import { DirectoryError, type NodeRecord, type NodeRole } from '../ports/directory.ts';
import { AdministrationDesk } from './administration-desk.ts';
import { AuditTrail } from './audit-trail.ts';
import { ClusterView } from './cluster-view.ts';
import { silentLogger } from '../core/log.ts';

const { inspectHot, readLeases } = NodeService.method;

function lease(id: string, role: NodeRole, state: NodeRecord['state'] = 'ready'): NodeRecord {
  return { role, id, address: `${id}:9505`, state, load: 0, incarnation: 1, protocol: 1 };
}

const everybody = [
  lease('e1', 'connection'),
  lease('m1', 'message', 'joining'),
  lease('m2', 'message'),
  lease('m3', 'message'),
  lease('m4', 'message'),
  lease('p1', 'push'),
  lease('p2', 'push'),
];

/** A view of node e1, unless told otherwise; it notes which roles were listed, and who was asked how patiently. */
function view({ nodeId = 'e1', roles = ['connection'] as NodeRole[] } = {}) {
  const listed: NodeRole[] = [];
  const asked: string[] = [];
  /** Nodes that answer so. */
  const faults = new Map<string, Fault>();
  const state = { away: false };
  const caller = (id: string): NodeCaller => ({
    async call<I extends DescMessage, O extends DescMessage>(
      method: { readonly output: O; readonly input: I },
      _request: unknown,
      timeoutMs: number,
    ) {
      asked.push(`${id} ${timeoutMs}`);
      const fault = faults.get(id);
      if (fault !== undefined) throw fault;
      return create(method.output) as MessageShape<O>;
    },
  });
  const made = new ClusterView({
    clock: systemClock,
    nodeId,
    roles,
    self: caller(nodeId),
    leases: {
      ttlMs: 1_000,
      renew: () => Promise.reject(new Error('not of this test')),
      leave: () => Promise.reject(new Error('not of this test')),
      onChange: () => () => {},
      async list(role) {
        if (state.away) throw new DirectoryError('unavailable', 'away');
        listed.push(role);
        return { nodes: everybody.filter((each) => each.role === role), generation: '1' };
      },
    },
    seen: () => everybody,
    dial: (_address, id) => caller(id),
  });
  return { view: made, listed, asked, faults, state };
}

const silent = new Fault('upstreamUnavailable', { message: 'no answer' });

describe('a view of the cluster', () => {
  it('lists the role that is asked alone', async () => {
    const { view: of, listed, asked } = view();
    await of.any('message', readLeases, {});
    await of.every(inspectHot, { limit: 1 }, 'push');
    assert.deepEqual(listed, ['message', 'push']);
    assert.deepEqual(asked, ['m2 2000', 'p1 2000', 'p2 2000']);
  });

  it('asks this node first, without the directory, where it plays the role itself', async () => {
    const { view: of, listed, asked, faults } = view({ nodeId: 'm3', roles: ['message'] });
    await of.any('message', readLeases, {});
    assert.deepEqual([listed, asked], [[], ['m3 2000']]);
    faults.set('m3', silent);
    await of.any('message', readLeases, {});
    assert.deepEqual([listed, asked], [['message'], ['m3 2000', 'm3 2000', 'm2 2000']]);
  });

  it('asks another node where one does not answer, three of them at most', async () => {
    const { view: of, asked, faults } = view();
    for (const id of ['m2', 'm3', 'm4']) faults.set(id, silent);
    await assert.rejects(of.any('message', readLeases, {}), silent);
    assert.deepEqual(asked, ['m2 2000', 'm3 2000', 'm4 2000']);
  });

  it('takes the word of a node that answers', async () => {
    const { view: of, asked, faults } = view();
    const refusal = new Fault('storeUnavailable');
    faults.set('m2', refusal);
    await assert.rejects(of.any('message', readLeases, {}), refusal);
    assert.equal(asked.length, 1);
  });

  it('asks nobody of another role where the directory can not be read', async () => {
    const { view: of, asked, state } = view();
    state.away = true;
    await of.any('push', readLeases, {});
    assert.deepEqual(asked, ['p1 2000']);
  });
});

describe('the administration', () => {
  it('has letters sent again and dropped by one node alone, patiently', async () => {
    const { view: of, asked, faults } = view();
    const audit = { write: async () => {} };
    const parts = { nodeId: 'e1', clock: systemClock, log: silentLogger };
    const trail = new AuditTrail({ audit, ...parts });
    const desk = new AdministrationDesk({ view: of, trail, clock: systemClock });
    for (const id of ['p1', 'p2']) faults.set(id, silent);
    await assert.rejects(desk.replay(['msg_1']), silent);
    await assert.rejects(desk.drop(['msg_1']), silent);
    assert.deepEqual(asked, ['p1 55000', 'p1 55000']);
  });
});
