import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../core/clock.ts';
import type { Fault } from '../core/fault.ts';
import type { UserId } from '../core/ids.ts';
import { MessageLink } from './message-link.ts';

test('a link with too many calls under way refuses the next one with a retry, and goes on when it is answered', () => {
  const messages = new MessageLink({
    clock: systemClock,
    timeoutMs: 1_000,
    push: () => {},
    lost: () => {},
    failed: (error) => assert.fail(String(error)),
  });
  const sent: number[] = [];
  const events = messages.attach({
    send: (frame) => {
      if (frame.t === 'command') sent.push(frame.call);
      return 'queued';
    },
    close: () => {},
  });
  const refusals: Fault[] = [];
  let done = 0;
  const ask = (): void =>
    messages.call(
      0,
      'ada' as UserId,
      { t: 'ids', count: 1 },
      {
        done: () => {
          done += 1;
        },
        refused: (fault) => refusals.push(fault),
      },
    );
  while (refusals.length === 0) ask();
  assert.deepEqual(
    [sent.length, refusals[0]?.reason, refusals[0]?.spec.retry],
    [2 ** 20, 'overloaded', 'here'],
  );
  events.frames([{ t: 'reply', call: sent[0] ?? 0, result: { t: 'ids', ids: [1n] } }]);
  ask();
  assert.deepEqual([done, refusals.length, sent.length], [1, 1, 2 ** 20 + 1]);
});
