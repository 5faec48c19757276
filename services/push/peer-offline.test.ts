import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '../core/fault.ts';
import type { UserId } from '../core/ids.ts';
import { PeerOffline } from './peer-offline.ts';

const users = ['ann', 'bob'] as UserId[];

test('who is offline is asked of any message node, and of the next where one does not answer', async () => {
  const asked: string[] = [];
  let random = 0;
  let nodeIds = ['m1', 'm2', 'm3'];
  const offline = new PeerOffline({
    peers: {
      get nodeIds() {
        return nodeIds;
      },
      offline: async (nodeId) => {
        asked.push(nodeId);
        if (nodeId !== 'm1') throw new Fault('ownerLost', { message: nodeId });
        return ['bob' as UserId];
      },
    },
    random: () => random,
  });
  assert.deepEqual(await offline.offline(users), ['bob']);
  random = 0.5;
  assert.deepEqual(await offline.offline(users), ['bob']);
  assert.deepEqual(asked, ['m1', 'm2', 'm3', 'm1']);
  nodeIds = ['m2', 'm3'];
  await assert.rejects(offline.offline(users), (error) => error instanceof Fault);
  nodeIds = [];
  await assert.rejects(offline.offline(users), /no message node is linked/);
});
