import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromBinary } from '@bufbuild/protobuf';
import { ConnectResponseSchema } from '../../gen/parley/chat/v1/session_pb.ts';
import type { BridgeSocket } from '../socket.ts';
import { commandOf, entry, events } from '../testing/frames.ts';
import type { PeerCache } from './peer-cache.ts';
import { PlainEntry } from './plain-entry.ts';
import type { PlainEvent } from './plain-delivery.ts';
import { PlainSession } from './plain-session.ts';

/** A socket that records, and a session on it. */
function plainSession(userId = 'ann') {
  const forwarded: string[] = [];
  let pings = 0;
  const socket = {
    client: { token: '', userId, deviceId: 'd', remoteAddress: '' },
    flushed: true,
    congested: false,
    forward(frame: Uint8Array) {
      const { command } = commandOf(frame);
      if (command.case === 'ack')
        for (const { convId, seq } of command.value.items) forwarded.push(`ack ${convId}${seq}`);
      else forwarded.push(command.case ?? '');
    },
    write() {},
    ping: () => {
      pings += 1;
    },
  };
  const session = new PlainSession(socket as unknown as BridgeSocket, {} as PeerCache, 0);
  session.begin();
  forwarded.length = 0;
  return { session, socket, forwarded, pings: () => pings };
}

function welcome(pingIntervalMs: number): PlainEvent {
  const frame = events({
    event: { case: 'welcome', value: { userId: 'ann', pingIntervalMs, ackBytes: 1_000 } },
  });
  const [event] = fromBinary(ConnectResponseSchema, frame).events;
  assert.ok(event);
  return { t: 'other', event };
}

function message(seq: number): PlainEvent {
  const encoded = events({
    event: { case: 'entry', value: entry({ convId: 'g', seq, sender: 'bob', text: 'x' }) },
  });
  const [event] = fromBinary(ConnectResponseSchema, encoded).events;
  assert.ok(event?.event.case === 'entry');
  return { t: 'entry', entry: new PlainEntry(event.event.value) };
}

test('the client is asked for a sign of life, and its answer becomes one upstream', () => {
  const { session, forwarded, pings } = plainSession();
  session.take([welcome(10_000)], 10);
  session.keepAlive(4_000);
  assert.equal(pings(), 0);
  session.keepAlive(5_000);
  session.keepAlive(9_000);
  assert.deepEqual([pings(), forwarded], [1, []]);
  session.pong(9_500);
  session.pong(9_600);
  assert.deepEqual(forwarded, ['ping']);
  session.keepAlive(14_000);
  assert.equal(pings(), 1);
  session.keepAlive(14_500);
  assert.equal(pings(), 2);
});

test('nobody is asked before signing in: the node closes who never does', () => {
  const { session, pings } = plainSession('');
  session.keepAlive(1_000_000);
  assert.equal(pings(), 0);
});

test('what is not flushed is not acknowledged; many bytes are before their time', () => {
  const { session, socket, forwarded } = plainSession();
  session.take([welcome(10_000)], 10);
  socket.flushed = false;
  session.take([message(1)], 100);
  session.acknowledgeFlushed();
  session.take([message(2)], 2_000);
  assert.deepEqual(forwarded, []);
  socket.flushed = true;
  session.take([message(3)], 100);
  assert.deepEqual(forwarded, ['ack g3']);
  session.acknowledgeFlushed();
  assert.deepEqual(forwarded, ['ack g3']);
});

test('gaps wait while the client is slow to read', () => {
  const { session, socket, forwarded } = plainSession();
  const gap = events({ event: { case: 'gap', value: { convId: 'g', fromSeq: 1n, toSeq: 2n } } });
  const [event] = fromBinary(ConnectResponseSchema, gap).events;
  assert.ok(event);
  socket.congested = true;
  session.take([{ t: 'other', event }], 10);
  assert.deepEqual(forwarded, []);
  socket.congested = false;
  session.fetchGaps();
  assert.deepEqual(forwarded, ['list']);
});
