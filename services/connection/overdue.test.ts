import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { overdue } from './overdue.ts';
import type { Session } from './session.ts';
import { Stage } from './testing/stage.ts';

const limits = { helloTimeoutMs: 10_000, pingIntervalMs: 30_000, slowConsumerMs: 30_000 };
const start = 1_000_000;

function session(fields: Partial<Session>): Session {
  return Object.assign(new Stage().open('ada'), { heardAtMs: start }, fields);
}

describe('a session has to end', () => {
  const cases: [string, Partial<Session>, number, string | undefined][] = [
    ['not while it is quiet for a while', {}, 90_000, undefined],
    ['when it is silent for three pings', {}, 90_001, 'silent'],
    ['not while it may still say hello', { state: 'opened' }, 10_000, undefined],
    ['when it does not say hello', { state: 'opened' }, 10_001, 'helloTimeout'],
    ['when it is not registered in time', { state: 'registering' }, 10_001, 'helloTimeout'],
    ['not while it is paused for a while', { pausedAtMs: start }, 30_000, undefined],
    ['when it reads nothing', { pausedAtMs: start }, 30_001, 'slowConsumer'],
    ['not while its token is good', { expiresAtMs: start + 5_000 }, 5_000, undefined],
    ['when its token has expired', { expiresAtMs: start + 5_000 }, 5_001, 'tokenExpired'],
  ];
  for (const [name, fields, afterMs, reason] of cases) {
    it(name, () => {
      const now = { nowMs: start + afterMs, wallMs: start + afterMs };
      assert.equal(overdue(session(fields), now, limits)?.reason, reason);
    });
  }
});
