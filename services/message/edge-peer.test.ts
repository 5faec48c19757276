import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { ConvId } from '../core/ids.ts';
import type { OwnerFrame } from '../peer/edge-frames.ts';
import { EdgePeer } from './edge-peer.ts';
import { EdgeSession } from './edge-session.ts';
import { ada } from './testing/samples.ts';

it('I5: an edge that missed more than is noted has its sessions sync', () => {
  const told: OwnerFrame[] = [];
  const link = { send: (frame: OwnerFrame) => (told.push(frame), 'queued' as const), close: () => {} };
  const edge = new EdgePeer({ no: 1, nodeId: 'e1', link, linkedAtMs: 0 });
  for (const no of [7, 8])
    edge.sessions.set(no, new EdgeSession({ edge, no, userId: ada, deviceId: `d${no}`, sinceMs: 100 * no }));
  for (let no = 0; no < 100_000; no += 1) edge.misses(`c${no}` as ConvId, 5);
  // What it knows of already may begin earlier.
  edge.misses('c3' as ConvId, 2);
  edge.endStale();
  assert.deepEqual([edge.missed.get('c3' as ConvId), told], [2, []]);
  edge.misses('one more' as ConvId, 1);
  edge.endStale();
  assert.deepEqual(
    told,
    [7, 8].map((session) => ({ t: 'stale', session })),
  );
});
