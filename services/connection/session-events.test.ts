import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Fault } from '../core/fault.ts';
import type { UserId } from '../core/ids.ts';
import { createLogger } from '../core/log.ts';
import { TokenBucket } from '../core/token-bucket.ts';
import { ConnectionMeters } from './meters.ts';
import { Session } from './session.ts';
import { SessionEvents } from './session-events.ts';

function place() {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>);
  const log = createLogger({ level: 'info', format: 'json' }, { write });
  const meters = new ConnectionMeters();
  const events = new SessionEvents({ log, meters, clock: { wallMs: () => 0, monotonicMs: () => 0 } });
  return { events, meters, lines };
}

function session(userId: string): Session {
  const one = new Session({
    no: 7,
    outlet: { deliver: () => {}, close: () => {} },
    doorSession: 1,
    info: { remoteAddress: '192.0.2.1', transport: 'ws-json' },
    nowMs: 0,
    rate: new TokenBucket(1, 1, 0),
  });
  one.userId = userId as UserId;
  one.unackedBytes = 70_000;
  return one;
}

const told = ({
  '@timestamp': _at,
  'process.pid': _pid,
  'ecs.version': _ecs,
  'service.name': _service,
  'log.level': _level,
  message: _message,
  ...rest
}: Record<string, unknown>) => rest;

describe('what is told of sessions', () => {
  it('a sign-in that is refused: from where, and why; whose it would be once that is known', () => {
    const { events, lines } = place();
    events.signInRefused(session(''), new Fault('tokenInvalid'));
    events.signInRefused(session('ann'), new Fault('tokenRevoked'));
    const common = { 'event.action': 'sign-in-refused', 'event.outcome': 'failure' };
    const from = { 'client.address': '192.0.2.1', 'parley.session': 7, 'parley.transport': 'ws-json' };
    assert.deepEqual(lines.map(told), [
      { ...common, ...from, 'parley.reason': 'tokenInvalid' },
      { ...common, ...from, 'parley.reason': 'tokenRevoked', 'user.id': 'ann' },
    ]);
  });

  it('a caller who is refused: of what, and from where', () => {
    const { events, lines } = place();
    events.callerRefused('parley.chat.v1.IdService/NextIds', '192.0.2.2', new Fault('tokenExpired'));
    assert.deepEqual(lines.map(told), [
      {
        'event.action': 'sign-in-refused',
        'event.outcome': 'failure',
        'parley.reason': 'tokenExpired',
        'parley.rpc': 'parley.chat.v1.IdService/NextIds',
        'client.address': '192.0.2.2',
      },
    ]);
  });

  it('not what failed by the server’s own doing: that is logged with its cause', () => {
    const { events, lines } = place();
    events.signInRefused(session(''), new Fault('internal', { cause: new Error('a bug') }));
    assert.deepEqual(lines, []);
  });

  it('a session that is over its window, and one that is closed since it reads nothing', () => {
    const { events, lines, meters } = place();
    events.heldBack(session('ann'));
    events.ended(session('ann'), new Fault('slowConsumer'));
    events.ended(session('ann'), new Fault('superseded'));
    assert.deepEqual(
      lines.map((line) => [line['event.action'], line['parley.reason'], line['parley.unacked_bytes']]),
      [
        ['slow-consumer', 'over_window', 70_000],
        ['slow-consumer-closed', 'not_reading', 70_000],
      ],
    );
    assert.ok(lines.every((line) => line['user.id'] === 'ann'));
    assert.equal(meters.slowConsumers, 1);
    assert.deepEqual(
      [...meters.closed],
      [
        ['slowConsumer', 1],
        ['superseded', 1],
      ],
    );
  });

  it('of a flood some lines; the meters have all of it', () => {
    const { events, lines, meters } = place();
    for (let no = 0; no < 500; no += 1) {
      events.signInRefused(session(''), new Fault('tokenInvalid'));
      events.heldBack(session('ann'));
      events.ended(session('ann'), new Fault('slowConsumer'));
    }
    for (const action of ['sign-in-refused', 'slow-consumer', 'slow-consumer-closed'])
      assert.equal(lines.filter((line) => line['event.action'] === action).length, 20, action);
    assert.deepEqual([meters.slowConsumers, meters.closed.get('slowConsumer')], [500, 500]);
  });
});
