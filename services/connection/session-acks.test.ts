import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { UserId } from '../core/ids.ts';
import { ackState, sessionAcks } from './session-acks.ts';
import { conv, Stage } from './testing/stage.ts';

describe('how far a session is', () => {
  it('is told by what it acknowledged since it came', () => {
    assert.equal(ackState(undefined, 5), 'unknown');
    assert.equal(ackState({ enteredSeq: 4, ackedSeq: 4 }, 5), 'owing');
    assert.equal(ackState({ enteredSeq: 4, ackedSeq: 5 }, 5), 'acknowledged');
    assert.equal(ackState({ enteredSeq: 4, ackedSeq: 9 }, 5), 'acknowledged');
    // What was there before it came, nobody asked it for.
    assert.equal(ackState({ enteredSeq: 5, ackedSeq: 5 }, 5), 'unknown');
    assert.equal(ackState({ enteredSeq: 7, ackedSeq: 9 }, 5), 'unknown');
  });

  it('follows what is pushed and acknowledged', () => {
    const stage = new Stage();
    const phone = stage.open('ada');
    const tablet = stage.open('ada');
    stage.open('bob');
    const all = { ada: [1, 0], bob: [1, 0] } as const;
    stage.audience(all);
    stage.entries(1, 2);
    stage.flush();
    const asked = (seq: number) =>
      sessionAcks(stage.sessions, { convId: conv, seq, users: ['ada', 'eve'] as UserId[] }).map(
        ({ deviceId, state }) => `${deviceId} ${state}`,
      );
    assert.deepEqual(asked(2), ['device 1 owing', 'device 2 owing']);
    stage.pushes.acknowledge(phone, conv, 1);
    assert.deepEqual(asked(1), ['device 1 acknowledged', 'device 2 owing']);
    assert.deepEqual(asked(2), ['device 1 owing', 'device 2 owing']);
    stage.pushes.acknowledge(tablet, conv, 2);
    assert.deepEqual(asked(2), ['device 1 owing', 'device 2 acknowledged']);
    stage.close(phone);
    assert.deepEqual(asked(2), ['device 2 acknowledged']);
    stage.open('ada');
    stage.audience(all);
    assert.deepEqual(asked(2), ['device 2 acknowledged', 'device 4 unknown']);
  });
});
