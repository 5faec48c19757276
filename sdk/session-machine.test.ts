import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  dueMs,
  type SessionEffect,
  type SessionEvent,
  sessionLimits,
  type SessionState,
  step,
} from './session-machine.ts';

const at = (nowMs: number, renewable = false) => ({ nowMs, random: 0.5, renewable });
const welcome: SessionEvent = { t: 'welcome', sessionId: 's', pingIntervalMs: 20_000 };

function after(...events: readonly [number, SessionEvent][]): [SessionState, SessionEffect[]] {
  let state: SessionState = { t: 'idle' };
  let effects: SessionEffect[] = [];
  for (const [nowMs, event] of events) {
    const [next, out] = step(state, event, at(nowMs));
    state = next;
    effects = [...out];
  }
  return [state, effects];
}

describe('a session', () => {
  const start: [number, SessionEvent] = [0, { t: 'start' }];
  const online: [number, SessionEvent] = [10, welcome];

  test('starts by opening a stream and is online with welcome', () => {
    assert.deepEqual(after(start)[1], [{ t: 'open' }]);
    assert.equal(after(start, online)[0].t, 'online');
  });

  const closes: [name: string, event: SessionEvent, expected: SessionState['t']][] = [
    ['the network fails', { t: 'closed', code: 1006, reason: 'connectionLost' }, 'waiting'],
    ['the server goes', { t: 'closed', code: 1001, reason: '' }, 'waiting'],
    ['the server drains', { t: 'closed', code: 4503, reason: 'nodeDraining' }, 'waiting'],
    ['the client was too slow', { t: 'kicked', reason: 'slowConsumer', again: true }, 'waiting'],
    ['a newer session of the device', { t: 'closed', code: 4410, reason: 'superseded' }, 'ended'],
    [
      'the token is no good',
      { t: 'refused', reason: 'tokenInvalid', again: false, retryAfterMs: 0 },
      'ended',
    ],
    ['what we sent was malformed', { t: 'closed', code: 4400, reason: 'malformedFrame' }, 'ended'],
    ['the user signs out', { t: 'stop', reason: 'closed' }, 'ended'],
  ];
  for (const [name, event, expected] of closes)
    test(`${name}: ${expected}`, () => {
      assert.equal(after(start, online, [20, event])[0].t, expected);
      assert.equal(after(start, [20, event])[0].t, expected);
    });

  test('hangs up where the other side has not', () => {
    assert.deepEqual(after(start, online, [20, { t: 'kicked', reason: 'silent', again: true }])[1], [
      { t: 'hangUp', reason: 'silent' },
    ]);
    assert.deepEqual(after(start, online, [20, { t: 'closed', code: 1006, reason: '' }])[1], []);
  });

  test('an expired token is no end where another can be had', () => {
    const [online] = after(start, [10, welcome]);
    const event: SessionEvent = { t: 'closed', code: 4401, reason: 'tokenExpired' };
    assert.equal(step(online, event, at(20, true))[0].t, 'waiting');
    assert.equal(step(online, event, at(20, false))[0].t, 'ended');
  });

  test('waits longer with each attempt that fails, up to a limit', () => {
    let [state] = after(start);
    const waits: number[] = [];
    for (let nowMs = 0; waits.length < 8; ) {
      [state] = step(state, { t: 'closed', code: 1006, reason: '' }, at(nowMs));
      assert.equal(state.t, 'waiting');
      waits.push(Math.round(dueMs(state) - nowMs));
      nowMs = dueMs(state);
      const [next, effects] = step(state, { t: 'tick' }, at(nowMs));
      assert.deepEqual(effects, [{ t: 'open' }]);
      state = next;
    }
    assert.deepEqual(waits.slice(0, 4), [480, 960, 1_920, 3_840]);
    assert.ok(waits.every((wait) => wait <= sessionLimits.backoff.maxMs));
  });

  test('a session that did not last counts as another failed attempt, one that did as none', () => {
    const lost: SessionEvent = { t: 'closed', code: 1006, reason: '' };
    for (const [lastedMs, attempt] of [
      [50, 3],
      [60_000, 2],
    ] as const) {
      const [state] = after(
        start,
        [0, lost],
        [9_999, { t: 'tick' }],
        [10_000, welcome],
        [10_000 + lastedMs, lost],
      );
      assert.equal(state.t === 'waiting' && state.attempt, attempt);
    }
  });

  test('waits at least as long as the server says', () => {
    const [state] = after(start, [
      0,
      { t: 'refused', reason: 'tooManyConnections', again: true, retryAfterMs: 30_000 },
    ]);
    assert.equal(dueMs(state), 30_000);
  });

  test('reconnects at once when it is asked to', () => {
    const [state, effects] = after(
      start,
      [0, { t: 'closed', code: 1006, reason: '' }],
      [1, { t: 'reconnect' }],
    );
    assert.equal(state.t === 'connecting' && state.attempt, 1);
    assert.deepEqual(effects, [{ t: 'open' }]);
  });

  test('pings a quiet line, and gives a silent one up', () => {
    let [state] = after(start, [0, welcome]);
    let effects: readonly SessionEffect[] = [];
    assert.equal(dueMs(state), 20_000);
    [state, effects] = step(state, { t: 'tick' }, at(20_000));
    assert.deepEqual(effects, [{ t: 'ping' }]);
    [state] = step(state, { t: 'spoke' }, at(20_000));
    assert.equal(dueMs(state), 40_000);
    [state] = step(state, { t: 'heard' }, at(25_000));
    [state] = step(state, { t: 'tick' }, at(40_000));
    [state] = step(state, { t: 'tick' }, at(60_000));
    [state, effects] = step(state, { t: 'tick' }, at(85_000));
    assert.deepEqual(effects, [{ t: 'hangUp', reason: 'silent' }]);
    assert.equal(state.t, 'waiting');
  });

  test('a client that only speaks still asks for a sound', () => {
    let [state] = after(start, [0, welcome]);
    [state] = step(state, { t: 'spoke' }, at(19_000));
    assert.deepEqual(step(state, { t: 'tick' }, at(20_000))[1], [{ t: 'ping' }]);
  });

  test('leaves a draining node when its time has come', () => {
    const [state] = after(start, online, [1_000, { t: 'draining', delayMs: 2_000 }]);
    assert.equal(dueMs(state), 3_000);
    const [next, effects] = step(state, { t: 'tick' }, at(3_000));
    assert.equal(next.t, 'connecting');
    assert.deepEqual(effects, [{ t: 'hangUp', reason: 'nodeDraining' }, { t: 'open' }]);
  });

  test('moves on soon where another session is needed, and ever later where the next ones are no better', () => {
    let [state] = after(start, online);
    let nowMs = 1_000;
    const stays: number[] = [];
    for (let no = 0; no < 7; no += 1) {
      // However often it is said.
      for (const laterMs of [0, 1, 2]) [state] = step(state, { t: 'moveOn' }, at(nowMs + laterMs));
      const leaveMs = dueMs(state);
      stays.push(leaveMs - nowMs);
      const [next, effects] = step(state, { t: 'tick' }, at(leaveMs));
      assert.deepEqual(effects, [{ t: 'hangUp', reason: 'nodeDraining' }, { t: 'open' }]);
      [state] = step(next, welcome, at(leaveMs));
      nowMs = leaveMs;
    }
    assert.deepEqual(stays, [500, 960, 1_920, 3_840, 7_680, 12_000, 12_000]);
    // One that lasted makes it the first again.
    [state] = step(state, { t: 'moveOn' }, at(nowMs + sessionLimits.stableMs));
    assert.equal(dueMs(state), nowMs + sessionLimits.stableMs + 500);
  });

  test('gives an attempt up that gets no answer', () => {
    const [state, effects] = after(start, [sessionLimits.connectMs, { t: 'tick' }]);
    assert.equal(state.t, 'waiting');
    assert.deepEqual(effects, [{ t: 'hangUp', reason: 'connectTimeout' }]);
  });

  test('begins anew after an end only when it is started', () => {
    const ended: [number, SessionEvent][] = [start, [1, { t: 'closed', code: 4410, reason: 'superseded' }]];
    assert.equal(after(...ended, [2, { t: 'reconnect' }])[0].t, 'ended');
    assert.equal(after(...ended, [2, { t: 'start' }])[0].t, 'connecting');
  });
});

test('property: there is a stream exactly while connecting or online, and always a way on', () => {
  const event = fc.oneof(
    fc.constantFrom<SessionEvent>(
      { t: 'start' },
      { t: 'reconnect' },
      welcome,
      { t: 'heard' },
      { t: 'spoke' },
      { t: 'tick' },
      { t: 'moveOn' },
      { t: 'draining', delayMs: 500 },
      { t: 'kicked', reason: 'silent', again: true },
      { t: 'refused', reason: 'overloaded', again: true, retryAfterMs: 10 },
    ),
    fc
      .constantFrom(1000, 1006, 4400, 4410, 4503)
      .map((code): SessionEvent => ({ t: 'closed', code, reason: '' })),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat({ max: 30_000 }), event)), (events) => {
      let state: SessionState = { t: 'idle' };
      let streams = 0;
      let nowMs = 0;
      for (const [ms, one] of events) {
        nowMs += ms;
        // A stream that isn't there doesn't close.
        if (one.t === 'closed') {
          if (streams === 0) continue;
          streams -= 1;
        }
        const [next, effects] = step(state, one, at(nowMs));
        for (const effect of effects) {
          if (effect.t === 'open') streams += 1;
          if (effect.t === 'hangUp') streams -= 1;
        }
        state = next;
        const open = state.t === 'connecting' || state.t === 'online';
        assert.equal(streams, open ? 1 : 0);
        assert.equal(Number.isFinite(dueMs(state)), open || state.t === 'waiting');
      }
    }),
    { numRuns: 500 },
  );
});
