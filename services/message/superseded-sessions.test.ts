import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OwnerFrame } from '../peer/edge-frames.ts';
import { EdgePeer } from './edge-peer.ts';
import { EdgeSession } from './edge-session.ts';
import { SupersededSessions } from './superseded-sessions.ts';
import { ada } from './testing/samples.ts';

const told: OwnerFrame[] = [];
const link = {
  send: (frame: OwnerFrame) => {
    told.push(frame);
    return 'queued' as const;
  },
  close: () => {},
};
const edge = new EdgePeer({ no: 1, nodeId: 'edge', link, linkedAtMs: 0 });

function signedIn(no: number): EdgeSession {
  const session = new EdgeSession({ edge, no, userId: ada, deviceId: 'phone', sinceMs: 0 });
  edge.sessions.set(no, session);
  return session;
}

describe('a session whose device has another one', () => {
  it('is told a second later, once', () => {
    told.length = 0;
    const superseded = new SupersededSessions();
    superseded.add({ older: signedIn(1), newer: signedIn(2) });
    superseded.tick();
    assert.deepEqual(told, []);
    superseded.tick();
    superseded.tick();
    assert.deepEqual(told, [{ t: 'superseded', session: 1 }]);
  });

  it('is not told when the other one, or it itself, is gone by then', () => {
    told.length = 0;
    for (const gone of [3, 4]) {
      const superseded = new SupersededSessions();
      superseded.add({ older: signedIn(3), newer: signedIn(4) });
      superseded.tick();
      edge.sessions.delete(gone);
      superseded.tick();
    }
    assert.deepEqual(told, []);
  });
});
