import { Metadata, status } from '@grpc/grpc-js';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Retry } from '../../gen/parley/chat/v1/error_pb.ts';
import { callBytes, connect, endOf, openDoor } from './door-fixture.ts';
import { maxFrameBytes } from './grpc-options.ts';

const bytes = (text: string) => Buffer.from(text);

test('a session: opened, heard, answered, left', async () => {
  await using fixture = await openDoor();
  const { sessions } = fixture;
  const [one, other] = [connect(fixture.client()), connect(fixture.client())];
  const heard: string[] = [];
  sessions.onData = (session, frame) => {
    heard.push(`${session} ${Buffer.from(frame).toString()}`);
    if (heard.length === 2) sessions.outlet.deliver([1, 2, 77], bytes('hello'));
  };
  one.write(bytes('a'));
  await once(sessions, 'data');
  other.write(bytes('b'));
  const frames = await Promise.all([once(one, 'data'), once(other, 'data')]);
  assert.deepEqual(
    frames.map(([frame]) => String(frame)),
    ['hello', 'hello'],
  );
  assert.deepEqual(
    heard.map((line) => line.slice(2)),
    ['a', 'b'],
  );
  assert.deepEqual(sessions.open_.get(1), { remoteAddress: '127.0.0.1', transport: 'grpc' });
  one.cancel();
  await once(sessions, 'closed');
  assert.equal(sessions.open_.size, 1);
  sessions.outlet.deliver([1], bytes('too late'));
  other.cancel();
  await once(sessions, 'closed');
});

test('the node ends a session: what was delivered arrives, then the reason', async () => {
  await using fixture = await openDoor();
  const { sessions } = fixture;
  const stream = connect(fixture.client());
  sessions.onData = (session) => {
    for (const part of ['a', 'b', 'c']) sessions.outlet.deliver([session], bytes(part));
    sessions.outlet.close(session, 4410, 'superseded');
    sessions.outlet.deliver([session], bytes('after'));
    sessions.outlet.close(session, 4503, 'nodeDraining');
  };
  let received = '';
  stream.on('data', (frame: Uint8Array) => {
    received += String(frame);
  });
  stream.write(bytes('x'));
  const { status: end, error } = await endOf(stream);
  assert.equal(received, 'abc');
  assert.equal(end.code, status.FAILED_PRECONDITION);
  assert.equal(error?.reason, 'superseded');
  assert.equal(error?.retry, Retry.NEVER);
});

test('an ordinary end is OK', async () => {
  await using fixture = await openDoor();
  const stream = connect(fixture.client()).resume();
  fixture.sessions.onData = (session) => fixture.sessions.outlet.close(session, 1000, 'bye');
  stream.write(bytes('x'));
  assert.equal((await endOf(stream)).status.code, status.OK);
});

test('a client that has closed its side gets what still comes', async () => {
  const limits = { highBytes: 1_000, lowBytes: 100, limitBytes: 10_000, lingerMs: 100, quietMs: 50 };
  await using fixture = await openDoor({ limits });
  const stream = connect(fixture.client());
  fixture.sessions.onData = (session) =>
    setImmediate(() => fixture.sessions.outlet.deliver([session], bytes('answer')));
  const answered = once(stream, 'data');
  stream.end(bytes('question'));
  assert.equal(String((await answered)[0]), 'answer');
  assert.equal((await endOf(stream)).status.code, status.OK);
});

test('an oversized frame costs its own stream alone', async () => {
  await using fixture = await openDoor();
  const client = fixture.client();
  const [good, bad] = [connect(client), connect(client).resume()];
  good.write(bytes('x'));
  await once(fixture.sessions, 'data');
  bad.write(Buffer.alloc(maxFrameBytes));
  await once(fixture.sessions, 'data');
  bad.write(Buffer.alloc(maxFrameBytes + 1));
  const { status: end, error } = await endOf(bad);
  assert.equal(end.code, status.RESOURCE_EXHAUSTED);
  assert.equal(error?.reason, 'frameTooLarge');
  assert.equal(fixture.meters.counter('chat_grpc_refusals_total', '').read()[0]?.[1], 1);
  good.write(bytes('y'));
  await once(fixture.sessions, 'data');
  good.cancel();
});

test('compressed messages are refused before they are opened', async () => {
  await using fixture = await openDoor();
  const stream = connect(fixture.client({ 'grpc.default_compression_algorithm': 2 })).resume();
  stream.write(Buffer.alloc(10_000));
  const { status: end } = await endOf(stream);
  assert.equal(end.code, status.UNIMPLEMENTED);
  assert.deepEqual(end.metadata.get('grpc-accept-encoding').slice(0, 1), ['identity']);
  assert.deepEqual(fixture.sessions.calls, []);
});

test('a node that throws loses that session alone', async () => {
  await using fixture = await openDoor();
  fixture.sessions.onData = () => {
    throw new Error('secret detail');
  };
  const stream = connect(fixture.client()).resume();
  stream.write(bytes('x'));
  const { status: end, error } = await endOf(stream);
  assert.equal(end.code, status.INTERNAL);
  assert.equal(error?.reason, 'internal');
  assert.doesNotMatch(end.details, /secret/);
});

test('development mode serves this machine alone, and no proxy', async () => {
  const metadata = new Metadata();
  metadata.set('x-forwarded-for', '203.0.113.9');
  await using development = await openDoor();
  const forwarded = await endOf(connect(development.client(), metadata).resume());
  assert.equal(forwarded.error?.reason, 'developmentOnly');
  const foreign = connect(development.client({ 'grpc.default_authority': 'chat.example.org' })).resume();
  assert.equal((await endOf(foreign)).error?.reason, 'developmentOnly');
  const refused = await callBytes(
    development.client(),
    '/parley.chat.v1.IdService/AllocateIds',
    bytes(''),
    metadata,
  );
  assert.equal(refused.failure?.code, status.PERMISSION_DENIED);
  assert.deepEqual(development.sessions.calls, []);

  await using production = await openDoor({ config: { mode: 'production' } });
  const stream = connect(production.client({ 'grpc.default_authority': 'chat.example.org' }), metadata);
  stream.write(bytes('x'));
  await once(production.sessions, 'data');
  stream.cancel();
});

test('draining: no new calls, sessions go on; it ends once unary calls are answered', async () => {
  let answer: (() => void) | undefined;
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  let called: (() => void) | undefined;
  const calling = new Promise<void>((resolve) => {
    called = resolve;
  });
  await using fixture = await openDoor({
    answer: async () => {
      called?.();
      await answered;
      return { $typeName: 'parley.chat.v1.AllocateIdsResponse', ids: [1n] };
    },
  });
  const { door, sessions } = fixture;
  const client = fixture.client();
  const stream = connect(client);
  stream.write(bytes('x'));
  await once(sessions, 'data');
  const pending = callBytes(client, '/parley.chat.v1.IdService/AllocateIds', bytes(''));
  await calling;
  // Whichever call hangs, whoever drains next does not wait for it: sessions are told by the connection node.
  await door.drain(60_000);
  let stopped = false;
  const end = endOf(stream);
  const { status: refused } = await endOf(connect(fixture.client()).resume());
  assert.equal(refused.code, status.UNAVAILABLE);
  stream.write(bytes('y'));
  await once(sessions, 'data');
  const stopping = door.stop().then(() => {
    stopped = true;
  });
  stream.write(bytes('z'));
  await once(sessions, 'data');
  assert.equal(stopped, false);
  answer?.();
  assert.ok((await pending).response);
  stream.resume();
  await stopping;
  assert.equal((await end).error?.reason, 'nodeDraining');
  assert.deepEqual(sessions.calls.slice(-2), ['closed 1', 'detach 0']);
});
