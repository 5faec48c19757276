import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromBinary } from '@bufbuild/protobuf';
import { Retry } from '../../gen/parley/chat/v1/error_pb.ts';
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
  const lists: { readonly id: number; readonly convId: string }[] = [];
  const clock = { nowMs: 0, wallMs: () => 0, monotonicMs: () => clock.nowMs };
  let pings = 0;
  const socket = {
    client: { token: '', userId, deviceId: 'd', remoteAddress: '' },
    flushed: true,
    congested: false,
    forward(frame: Uint8Array) {
      const { id, command } = commandOf(frame);
      if (command.case === 'list') lists.push({ id, convId: command.value.convId });
      if (command.case === 'ack')
        for (const { convId, seq } of command.value.items) forwarded.push(`ack ${convId}${seq}`);
      else forwarded.push(command.case ?? '');
    },
    write() {},
    ping: () => {
      pings += 1;
    },
  };
  const session = new PlainSession(socket as unknown as BridgeSocket, {} as PeerCache, clock);
  session.begin();
  forwarded.length = 0;
  return { session, socket, forwarded, lists, clock, pings: () => pings };
}

function other(init: Parameters<typeof events>[0]): PlainEvent {
  const [event] = fromBinary(ConnectResponseSchema, events(init)).events;
  assert.ok(event);
  return { t: 'other', event };
}

function welcome(pingIntervalMs: number): PlainEvent {
  return other({ event: { case: 'welcome', value: { userId: 'ann', pingIntervalMs, ackBytes: 1_000 } } });
}

function gap(convId: string): PlainEvent {
  return other({ event: { case: 'gap', value: { convId, fromSeq: 1n, toSeq: 2n } } });
}

function refusal(replyTo: number, retry: Retry, retryAfterMs = 0): PlainEvent {
  const value = { code: 14, reason: 'ownerLost', message: '', retry, retryAfterMs };
  return other({ replyTo, event: { case: 'error', value } });
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
  socket.congested = true;
  session.take([gap('g')], 10);
  assert.deepEqual(forwarded, []);
  socket.congested = false;
  session.fetchGaps();
  assert.deepEqual(forwarded, ['list']);
});

test('after a refusal no page is asked for until a while is over, whatever else happens', () => {
  const { session, lists, clock } = plainSession();
  session.take([gap('g')], 10);
  session.take([refusal(lists[0]?.id ?? 0, Retry.HERE)], 10);
  session.take([message(9)], 10);
  session.take([gap('h')], 10);
  clock.nowMs = 399;
  session.fetchGaps();
  assert.equal(lists.length, 1);
  clock.nowMs = 400;
  session.fetchGaps();
  // Then it is the others' turn first.
  assert.deepEqual(
    lists.map(({ convId }) => convId),
    ['g', 'h'],
  );
  session.take([refusal(lists[1]?.id ?? 0, Retry.ELSEWHERE, 1_000)], 10);
  clock.nowMs = 1_399;
  session.fetchGaps();
  assert.equal(lists.length, 2);
  clock.nowMs = 1_400;
  session.fetchGaps();
  assert.equal(lists[2]?.convId, 'g');
});

test('what is refused for good holds nobody up', () => {
  const { session, lists } = plainSession();
  session.take([gap('g'), gap('h')], 10);
  session.take([refusal(lists[0]?.id ?? 0, Retry.NEVER)], 10);
  assert.deepEqual(
    lists.map(({ convId }) => convId),
    ['g', 'h'],
  );
});
