import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { UserId } from '../core/ids.ts';
import { TokenBucket } from '../core/token-bucket.ts';
import { Session } from './session.ts';
import { SlowSessions } from './slow-sessions.ts';

function place() {
  let nowMs = 100_000;
  const sessions: Session[] = [];
  const clock = { wallMs: () => 0, monotonicMs: () => nowMs };
  return {
    slow: new SlowSessions({ clock, sessions: () => sessions, nodeId: 'e1' }),
    wait: (ms: number) => {
      nowMs += ms;
    },
    session(userId: string): Session {
      const session = new Session({
        no: sessions.length + 1,
        outlet: { deliver: () => {}, close: () => {} },
        doorSession: 1,
        info: { remoteAddress: '192.0.2.1', transport: 'ws-proto' },
        nowMs,
        rate: new TokenBucket(1, 1, nowMs),
      });
      Object.assign(session, { userId: userId as UserId, deviceId: 'phone', state: 'open' });
      sessions.push(session);
      return session;
    },
    get nowMs() {
      return nowMs;
    },
  };
}

describe('slow sessions', () => {
  it('are those that read nothing, or do not acknowledge, for more than a moment; the longest first', () => {
    const at = place();
    at.session('well');
    const full = at.session('full');
    full.overSinceMs = at.nowMs;
    full.unackedBytes = 70_000;
    at.wait(3_000);
    at.session('deaf').pausedAtMs = at.nowMs;
    at.wait(500);
    assert.deepEqual(
      at.slow.now().map(({ userId }) => userId),
      ['full'],
    );
    at.wait(1_500);
    const common = { deviceId: 'phone', nodeId: 'e1', transport: 'ws-proto' };
    assert.deepEqual(at.slow.now(), [
      { ...common, userId: 'full', session: 2n, reason: 'over_window', forMs: 5_000n, unackedBytes: 70_000n },
      { ...common, userId: 'deaf', session: 3n, reason: 'not_reading', forMs: 2_000n, unackedBytes: 0n },
    ]);
  });

  it('are no longer told once they are over; those closed for it are, the latest first', () => {
    const at = place();
    const [one, two] = [at.session('one'), at.session('two')];
    at.slow.close(one);
    at.wait(2_000);
    at.slow.close(two);
    one.state = 'closed';
    one.pausedAtMs = 1;
    assert.deepEqual(at.slow.now(), []);
    at.wait(1_000);
    assert.deepEqual(
      at.slow.closed.map(({ userId, forMs }) => [userId, forMs]),
      [
        ['two', 1_000n],
        ['one', 3_000n],
      ],
    );
  });

  it('I6: a hundred that were closed are remembered', () => {
    const at = place();
    for (let no = 0; no < 130; no += 1) at.slow.close(at.session(`user ${no}`));
    assert.equal(at.slow.closed.length, 100);
    assert.equal(at.slow.closed.at(-1)?.userId, 'user 30');
  });
});
