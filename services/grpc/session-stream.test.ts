import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { status as grpcStatus } from '@grpc/grpc-js';
import { connect, endOf, type FakeSessions, openDoor } from './door-fixture.ts';
import { maxFrameBytes } from './grpc-options.ts';
import { MessageReader, openUnread } from './unread-stream.ts';

const limits = { highBytes: 50_000, lowBytes: 10_000, limitBytes: 400_000, lingerMs: 5_000, quietMs: 1_000 };
const bytes = (text: string) => Buffer.from(text);

type Fixture = Awaited<ReturnType<typeof openDoor>>;

function queuedBytes({ meters }: Fixture): number {
  for (const reading of meters.read((error) => assert.fail(String(error)))) {
    if (reading.t === 'gauge' && reading.name === 'chat_send_queue_bytes') return reading.values[0]?.[1] ?? 0;
  }
  return assert.fail('no such metric');
}

/** How often messages were refused as too long. */
function oversizedMessages({ meters }: Fixture): number {
  const refused = meters.counter('chat_grpc_refusals_total', '').read();
  return refused.find(([{ reason }]) => reason === 'frameTooLarge')?.[1] ?? 0;
}

/** A client that reads nothing yet; one answer to it is on its way, and another waits. */
async function busy(fixture: Fixture, headers: Readonly<Record<string, string>> = {}) {
  const { sessions } = fixture;
  const opened = once(sessions, 'data');
  const unread = openUnread(fixture.port, undefined, headers);
  await opened;
  sessions.outlet.deliver([1], Buffer.alloc(200_000));
  sessions.outlet.deliver([1], bytes('the second'));
  return unread;
}

/** Begins a message that is one byte too long, and waits until the server has seen that. */
async function beginOversized(fixture: Fixture, stream: ClientHttp2Stream): Promise<void> {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(maxFrameBytes + 1, 1);
  stream.write(prefix);
  while (oversizedMessages(fixture) === 0) await new Promise(setImmediate);
}

/** What a stream's client reads from here on, and the status behind it. */
async function readToEnd(stream: ClientHttp2Stream): Promise<{ messages: Buffer[]; status: string }> {
  const reader = new MessageReader();
  const messages: Buffer[] = [];
  const signal = AbortSignal.timeout(10_000);
  const trailers = once(stream, 'trailers', { signal });
  const ended = once(stream, 'end', { signal });
  stream.on('data', (chunk: Buffer) => messages.push(...reader.read(chunk)));
  const [headers] = (await trailers) as [IncomingHttpHeaders];
  await ended;
  return { messages, status: String(headers['grpc-status']) };
}

/** A frame whose bytes say which it is. */
function numbered(n: number): Buffer {
  const frame = Buffer.alloc(1_000, n % 251);
  frame.writeUInt32BE(n);
  return frame;
}

/** Sends until the node is asked to pause. */
async function fill(sessions: FakeSessions, session: number): Promise<Buffer[]> {
  const sent: Buffer[] = [];
  while (!sessions.paused_.has(session)) {
    assert.ok(sent.length < 20_000, 'never paused');
    const frame = numbered(sent.length);
    sent.push(frame);
    sessions.outlet.deliver([session], frame);
    if (sent.length % 20 === 0) await new Promise(setImmediate);
  }
  return sent;
}

test('an unread stream pauses the node; when it is read, everything arrives in order and the node goes on', async () => {
  await using fixture = await openDoor({ limits });
  const { sessions } = fixture;
  using slow = openUnread(fixture.port);
  await once(sessions, 'data');
  const sent = await fill(sessions, 1);
  assert.ok(queuedBytes(fixture) > limits.highBytes);

  // Somebody else is served meanwhile.
  const quick = connect(fixture.client());
  quick.write(bytes('y'));
  await once(sessions, 'data');
  sessions.outlet.deliver([2], bytes('served'));
  assert.equal(String((await once(quick, 'data'))[0]), 'served');

  const expected = Buffer.concat(sent);
  const received: Buffer[] = [];
  const reader = new MessageReader();
  let length = 0;
  const all = new Promise<void>((resolve) => {
    slow.stream.on('data', (chunk: Buffer) => {
      for (const message of reader.read(chunk)) {
        received.push(message);
        length += message.byteLength;
      }
      if (length === expected.byteLength) resolve();
    });
  });
  await Promise.all([all, once(sessions, 'resumed')]);
  assert.ok(Buffer.concat(received).equals(expected));
  assert.ok(received.length < sent.length, 'what gathered went out together');
  quick.cancel();
});

test('a node that does not pause ends an unread stream, and the memory is free again', async () => {
  await using fixture = await openDoor({ limits: { ...limits, lingerMs: 50 } });
  const { sessions } = fixture;
  using slow = openUnread(fixture.port);
  await once(sessions, 'data');
  await fill(sessions, 1);
  const ended = once(sessions, 'closed');
  for (let i = 0; i < 400; i++) sessions.outlet.deliver([1], Buffer.alloc(1_000));
  assert.ok(queuedBytes(fixture) <= limits.limitBytes + 65_536);
  await ended;
  assert.equal(queuedBytes(fixture), 0);
  assert.equal(sessions.calls.filter((call) => call.startsWith('paused')).length, 1);
  assert.equal(slow.stream.session?.destroyed, false);
});

test('a slow client that reads in time hears why it was ended', async () => {
  await using fixture = await openDoor({ limits });
  const { sessions } = fixture;
  const stream = connect(fixture.client());
  stream.write(bytes('x'));
  await once(sessions, 'data');
  for (let i = 0; i < 3_000; i++) sessions.outlet.deliver([1], Buffer.alloc(1_000));
  const { error } = await endOf(stream.resume());
  assert.equal(error?.reason, 'slowConsumer');
});

test('a session that the node ends goes, though its client reads nothing', async () => {
  await using fixture = await openDoor({ limits: { ...limits, lingerMs: 50 } });
  const { sessions } = fixture;
  using slow = openUnread(fixture.port);
  await once(sessions, 'data');
  await fill(sessions, 1);
  sessions.outlet.close(1, 4508, 'silent');
  await once(sessions, 'closed');
  assert.equal(slow.stream.session?.destroyed, false);
});

test('a message that is too long ends the stream behind what was to be written, though the rest of it comes late', async () => {
  await using fixture = await openDoor({ limits });
  using unread = await busy(fixture);
  const { stream } = unread;
  await beginOversized(fixture, stream);
  const read = readToEnd(stream);
  stream.write(Buffer.alloc(maxFrameBytes + 1));
  const { messages, status } = await read;
  assert.deepEqual(
    messages.map(({ byteLength }) => byteLength),
    [200_000, 10],
  );
  assert.equal(status, String(grpcStatus.RESOURCE_EXHAUSTED));
  assert.equal(oversizedMessages(fixture), 1);
});

test('a client that sends a message that is too long, and reads nothing, is let go', async () => {
  await using fixture = await openDoor({ limits: { ...limits, lingerMs: 50 } });
  const { sessions } = fixture;
  const ended = once(sessions, 'closed');
  using unread = await busy(fixture);
  const reset = once(unread.stream, 'close', { signal: AbortSignal.timeout(10_000) });
  await beginOversized(fixture, unread.stream);
  unread.stream.write(Buffer.alloc(100));
  await Promise.all([ended, reset]);
});

test('a stream whose deadline is over while it is written to ends', async () => {
  await using fixture = await openDoor({ limits });
  const { sessions } = fixture;
  const ended = once(sessions, 'closed');
  using unread = await busy(fixture, { 'grpc-timeout': '300m' });
  await pause(400);
  const { status } = await readToEnd(unread.stream);
  assert.equal(status, String(grpcStatus.DEADLINE_EXCEEDED));
  await ended;
});

test('streams opened and abandoned leave nothing behind', async () => {
  await using fixture = await openDoor({ config: { maxStreams: 400 } });
  const { sessions } = fixture;
  const until = (event: string, done: () => boolean) =>
    new Promise<void>((resolve) => {
      sessions.on(event, function look() {
        if (!done()) return;
        sessions.off(event, look);
        resolve();
      });
    });
  for (let round = 0; round < 3; round++) {
    const client = fixture.client();
    const streams = Array.from({ length: 300 }, () => connect(client));
    const all = until('open', () => sessions.open_.size === streams.length);
    for (const stream of streams) stream.write(bytes('x'));
    await all;
    const none = until('closed', () => sessions.open_.size === 0);
    // Some say so, the others vanish with their connection.
    for (const stream of streams.slice(0, 150)) stream.cancel();
    client.close();
    for (const stream of streams.slice(150)) stream.cancel();
    await none;
  }
  assert.equal(sessions.calls.filter((call) => call.startsWith('open')).length, 900);
  assert.equal(sessions.calls.filter((call) => call.startsWith('closed')).length, 900);
  assert.equal(queuedBytes(fixture), 0);
});
