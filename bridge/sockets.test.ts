import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { fromBinary, fromJsonString, toJsonString } from '@bufbuild/protobuf';
import { ConnectRequestSchema, ConnectResponseSchema } from '../gen/parley/chat/v1/session_pb.ts';
import { type BridgeFixture, doorTest, type TestSocket } from './testing/bridge-fixture.ts';
import { commandOf, entryEvents, events, request, requestOf } from './testing/frames.ts';

const proto = 'parley.v1.proto';
const json = 'parley.v1.json';
const ping = request({ commands: [{ id: 7, command: { case: 'ping', value: {} } }] });
const pong = events({ replyTo: 7, event: { case: 'pong', value: { serverTimeMs: 5n } } });

async function open(fixture: BridgeFixture, protocol: string, query = '') {
  const socket = await fixture.connect(query, protocol);
  const { session, info } = await fixture.host.next('open');
  return { socket, session, info };
}

/** The refusal in a frame of either dialect. */
function refusalIn(frame: string | Buffer) {
  const response =
    typeof frame === 'string'
      ? fromJsonString(ConnectResponseSchema, frame)
      : fromBinary(ConnectResponseSchema, frame);
  const event = response.events[0]?.event;
  assert.ok(event?.case === 'error');
  return event.value;
}

async function assertStillServed(fixture: BridgeFixture, socket: TestSocket, session: number): Promise<void> {
  socket.send(ping);
  assert.equal(commandOf((await fixture.host.next('data', session)).frame).id, 7);
}

doorTest('parley.v1.proto carries frames as they are, on both ports', async (start) => {
  await using fixture = await start();
  const { socket, session, info } = await open(fixture, proto);
  assert.deepEqual([info.transport, info.remoteAddress], ['ws-proto', '127.0.0.1']);
  socket.send(ping);
  assert.deepEqual(Buffer.from((await fixture.host.next('data', session)).frame), Buffer.from(ping));
  fixture.host.outlet.deliver([session], pong);
  assert.deepEqual(await socket.next(), Buffer.from(pong));
  const { WebSocket } = await import('ws');
  const other = new WebSocket(`${fixture.url.replace('http', 'ws')}/ws`, proto);
  await once(other, 'open');
  const second = await fixture.host.next('open');
  assert.notEqual(second.session, session);
  other.close();
  await fixture.host.next('closed', second.session);
});

doorTest('parley.v1.json carries the canonical JSON of the same frames', async (start) => {
  await using fixture = await start();
  const { socket, session, info } = await open(fixture, json);
  assert.equal(info.transport, 'ws-json');
  socket.send(toJsonString(ConnectRequestSchema, fromBinary(ConnectRequestSchema, ping)));
  assert.deepEqual(Buffer.from((await fixture.host.next('data', session)).frame), Buffer.from(ping));
  const entry = entryEvents({ convId: 'g', seq: 3, sender: 'bob', text: 'grüß dich' });
  fixture.host.outlet.deliver([session], entry);
  const text = await socket.next();
  assert.equal(text, toJsonString(ConnectResponseSchema, fromBinary(ConnectResponseSchema, entry)));
  assert.match(String(text), /"seq":"3".*"msgId":"1003".*grüß dich/);
  socket.send('{"commands":[{"id":3,"dance":{}}]}');
  const [unknown] = requestOf((await fixture.host.next('data', session)).frame).commands;
  assert.deepEqual([unknown?.id, unknown?.command.case], [3, undefined]);
});

doorTest('one delivery reaches sockets of all dialects, each in its own', async (start) => {
  await using fixture = await start();
  const opened = [];
  for (const protocol of [proto, json, proto, json]) opened.push(await open(fixture, protocol));
  const plain = await fixture.connect('?user_id=ann');
  const { session } = await fixture.host.next('open');
  const sessions = [...opened.map((one) => one.session), 999, session];
  const large = 'x'.repeat(70_000);
  fixture.host.outlet.deliver(sessions, entryEvents({ convId: 'g', seq: 1, sender: 'bob', text: large }));
  for (const { socket } of opened) {
    const frame = await socket.next();
    const response =
      typeof frame === 'string'
        ? fromJsonString(ConnectResponseSchema, frame)
        : fromBinary(ConnectResponseSchema, frame);
    const event = response.events[0]?.event;
    assert.ok(event?.case === 'entry' && event.value.content.case === 'message');
    assert.equal(event.value.content.value.content.value, large);
  }
  assert.equal(((await plain.nextJson()).data as Record<string, unknown>).content, large);
});

doorTest('a token of the handshake signs in before anything else', async (start) => {
  await using fixture = await start();
  for (const [query, protocols] of [
    ['?token=jwt&device_id=tab', [json]],
    ['?device_id=tab', [json, 'bearer.jwt']],
  ] as const) {
    const socket = await fixture.connect(query, [...protocols]);
    assert.equal(socket.protocol, json);
    const { session } = await fixture.host.next('open');
    const { command } = commandOf((await fixture.host.next('data', session)).frame);
    assert.ok(command.case === 'hello');
    const { token, deviceId, protocolVersion, openGroups, userId } = command.value;
    assert.deepEqual([token, deviceId, protocolVersion, openGroups, userId], ['jwt', 'tab', 1, false, '']);
  }
  const { session } = await open(fixture, proto);
  const drawn = await open(fixture, proto, '?token=x');
  const hello = commandOf((await fixture.host.next('data', drawn.session)).frame).command;
  assert.ok(hello.case === 'hello');
  assert.match(hello.value.deviceId, /^ws-.{12}$/);
  assert.equal(fixture.host.calls.filter((call) => call.t === 'data' && call.session === session).length, 0);
});

doorTest('the node closes a session once what was delivered is written', async (start) => {
  await using fixture = await start();
  const { socket, session } = await open(fixture, proto);
  fixture.host.outlet.deliver([session], pong);
  fixture.host.outlet.close(session, 4410, 'superseded');
  assert.deepEqual(await socket.next(), Buffer.from(pong));
  assert.deepEqual(await socket.closed, { code: 4410, reason: 'superseded' });
  fixture.host.outlet.deliver([session], pong);
  fixture.host.outlet.close(session, 4410, 'superseded');
});

doorTest('frames that break the dialect or the protocol: told, closed, others unaffected', async (start) => {
  await using fixture = await start({ config: { maxFrameBytes: 10_000 } });
  const bystander = await open(fixture, proto);
  const bomb = `{"commands":${'['.repeat(2_000)}${']'.repeat(2_000)}}`;
  const wide = `{"commands":[${Array(300).fill('{}').join()}]}`;
  const cases: [string, string | Buffer, string, number][] = [
    [proto, 'text', 'unsupportedFrame', 4400],
    [proto, Buffer.alloc(10_001), 'frameTooLarge', 1009],
    [json, Buffer.from(ping), 'unsupportedFrame', 4400],
    [json, '{', 'malformedFrame', 4400],
    [json, '"text"', 'malformedFrame', 4400],
    [json, '{"commands":[{"id":"x"}]}', 'malformedFrame', 4400],
    [json, '{"commands":[{"id":1,"list":{"convId":"g","fromSeq":"-1"}}]}', 'malformedFrame', 4400],
    [json, '{"commands":[{"id":1,"list":{"convId":"g","fromSeq":1e300}}]}', 'invalidField', 4400],
    [json, '{"commands":[{"ack":{"items":[{"msgId":9007199254740993}]}}]}', 'invalidField', 4400],
    [json, '{"commands":[{"send":{"convId":"\\udc00","clientId":"c"}}]}', 'invalidField', 4400],
    [json, bomb, 'invalidField', 4400],
    [json, wide, 'tooManyCommands', 4413],
    [json, 'x'.repeat(10_001), 'frameTooLarge', 1009],
  ];
  for (const [protocol, frame, reason, code] of cases) {
    const { socket, session } = await open(fixture, protocol);
    socket.send(frame);
    const refusal = refusalIn(await socket.next());
    assert.equal(refusal.reason, reason, String(frame).slice(0, 80));
    assert.ok(refusal.message.length > 5);
    assert.equal((await socket.closed).code, code);
    await fixture.host.next('closed', session);
  }
  const { malformedFrames } = fixture.bridge.counters;
  assert.equal(malformedFrames.proto + malformedFrames.json, cases.length);
  await assertStillServed(fixture, bystander.socket, bystander.session);
});

/** A WebSocket handshake by hand, so that what follows may break the rules. */
async function rawSocket(fixture: BridgeFixture, protocol: string): Promise<Socket> {
  const raw = connect(fixture.bridge.wsPort, '127.0.0.1');
  raw.on('error', () => {});
  raw.write(
    `GET / HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upgrade\r\n` +
      `sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\nsec-websocket-protocol: ${protocol}\r\n\r\n`,
  );
  const [head] = (await once(raw, 'data')) as [Buffer];
  assert.match(head.toString(), /^HTTP\/1.1 101 /);
  return raw;
}

/** A masked frame of a client (with a mask of zeros). */
function clientFrame(first: number, payload: Buffer, lengthByte = payload.length): Buffer {
  return Buffer.concat([Buffer.from([first, 0x80 | lengthByte, 0, 0, 0, 0]), payload]);
}

async function answerOf(raw: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  raw.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(raw, 'close');
  return Buffer.concat(chunks).toString('latin1');
}

doorTest('broken WebSocket frames: told, closed, others unaffected', async (start) => {
  await using fixture = await start();
  const bystander = await open(fixture, proto);
  const invalidUtf8 = Buffer.from([0xff, 0xfe]);
  const surrogate = Buffer.from([0xed, 0xa0, 0x80]);
  const cases: [string, Buffer, RegExp][] = [
    ['not UTF-8', clientFrame(0x81, invalidUtf8), /malformedFrame/],
    ['a surrogate in UTF-8', clientFrame(0x81, surrogate), /malformedFrame/],
    ['reserved opcode', clientFrame(0x83, Buffer.from('x')), /malformedFrame/],
    ['reserved bit', clientFrame(0xc1, Buffer.from('x')), /malformedFrame/],
    ['not masked', Buffer.from([0x81, 1, 0x78]), /malformedFrame/],
    ['continuation of nothing', clientFrame(0x80, Buffer.from('x')), /malformedFrame/],
    ['fragmented ping', clientFrame(0x09, Buffer.from('x')), /malformedFrame/],
    ['a length past 2^53', clientFrame(0x81, Buffer.alloc(8, 0xff), 127), /frameTooLarge/],
    [
      'too many fragments',
      Buffer.concat([
        clientFrame(0x01, Buffer.from('{')),
        ...Array<Buffer>(300).fill(clientFrame(0x00, Buffer.from(' '))),
      ]),
      /malformedFrame/,
    ],
  ];
  for (const [name, bytes, expected] of cases) {
    const raw = await rawSocket(fixture, json);
    const { session } = await fixture.host.next('open');
    const answer = answerOf(raw);
    raw.write(bytes);
    raw.end();
    assert.match(await answer, expected, name);
    await fixture.host.next('closed', session);
  }
  await assertStillServed(fixture, bystander.socket, bystander.session);
});

doorTest('fragments are put together', async (start) => {
  await using fixture = await start();
  const raw = await rawSocket(fixture, proto);
  const { session } = await fixture.host.next('open');
  const bytes = Buffer.from(ping);
  raw.write(clientFrame(0x02, bytes.subarray(0, 1)));
  raw.write(clientFrame(0x89, Buffer.from('ping between')));
  raw.write(clientFrame(0x80, bytes.subarray(1)));
  assert.deepEqual(Buffer.from((await fixture.host.next('data', session)).frame), bytes);
  raw.destroy();
  await fixture.host.next('closed', session);
});

doorTest('who does not read is paused, and resumed when it does', async (start) => {
  await using fixture = await start({ config: { highWaterBytes: 64 * 1024 } });
  const { socket, session } = await open(fixture, proto);
  const other = await open(fixture, proto);
  const { counters } = fixture.bridge;
  socket.pause();
  const frame = events({ event: { case: 'error', value: { message: 'x'.repeat(60_000) } } });
  let delivered = 0;
  const paused = fixture.host.next('paused', session);
  // A full stream between bridge and node pauses its sessions, too: it is the socket that has to be full.
  for (; counters.pauses === 0 && delivered < 1_000; delivered += 1) {
    fixture.host.outlet.deliver([session], frame);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await paused;
  await assertStillServed(fixture, other.socket, other.session);
  socket.resume();
  await fixture.host.next('resumed', session);
  for (let i = 0; i < delivered; i += 1) assert.equal((await socket.next()).length, frame.length);
  assert.ok(counters.pauses > 0);
});

doorTest('who reads nothing at all is cut off', async (start) => {
  await using fixture = await start({ config: { highWaterBytes: 64 * 1024, maxUnsentBytes: 1024 * 1024 } });
  const { socket, session } = await open(fixture, proto);
  socket.pause();
  const frame = events({ event: { case: 'error', value: { message: 'x'.repeat(60_000) } } });
  let stop = false;
  const closed = fixture.host.next('closed', session).then(() => {
    stop = true;
  });
  for (let i = 0; !stop && i < 2_000; i += 1) {
    fixture.host.outlet.deliver([session], frame);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await closed;
  assert.equal(fixture.bridge.counters.slowConsumers, 1);
  socket.terminate();
});

doorTest('a stopped bridge tells its sockets to reconnect', async (start) => {
  await using fixture = await start();
  const { socket } = await open(fixture, proto);
  await fixture.bridge.stop();
  const { code } = await socket.closed;
  assert.equal(code, 4503);
  await fixture.host.next('detach');
});
