import { connect as connectHttp2, type ClientHttp2Session, constants } from 'node:http2';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { callBytes, connect as connectStream, openDoor } from './door-fixture.ts';

const idsPath = '/parley.chat.v1.IdService/AllocateIds';
const sessionPath = '/parley.chat.v1.SessionService/Connect';

async function closeOf(socket: Socket): Promise<void> {
  socket.on('error', () => {});
  socket.resume();
  if (!socket.closed) await once(socket, 'close');
}

function refusals(fixture: Awaited<ReturnType<typeof openDoor>>) {
  return Object.fromEntries(
    fixture.meters
      .counter('chat_grpc_refusals_total', '')
      .read()
      .map(([labels, n]) => [labels.reason, n]),
  );
}

test('a connection that begins no call is cut, whatever it does instead', async () => {
  await using fixture = await openDoor({ config: { handshakeMs: 200 } });
  const silent = connect(fixture.port, '127.0.0.1');
  const preface = connect(fixture.port, '127.0.0.1');
  preface.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  const partial = connect(fixture.port, '127.0.0.1');
  partial.write('PRI * HT');
  const settled = connectHttp2(`http://127.0.0.1:${fixture.port}`);
  settled.on('error', () => {});
  const used = fixture.client();
  const stream = connectStream(used);
  stream.write(Buffer.from('x'));
  await Promise.all([closeOf(silent), closeOf(preface), closeOf(partial), once(settled, 'close')]);
  assert.equal(refusals(fixture).handshakeTimeout, 4);
  // The one with a call is still there.
  stream.write(Buffer.from('y'));
  await once(fixture.sessions, 'data');
  stream.cancel();
});

test('connections above the limit are refused', async () => {
  await using fixture = await openDoor({ config: { maxConnections: 2 } });
  const sockets = [connect(fixture.port, '127.0.0.1'), connect(fixture.port, '127.0.0.1')];
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  const extra = connect(fixture.port, '127.0.0.1');
  await closeOf(extra);
  assert.equal(refusals(fixture).tooManyConnections, 1);
  for (const socket of sockets) socket.destroy();
});

test('other protocols and noise cost their own connection alone', async () => {
  await using fixture = await openDoor({ config: { handshakeMs: 500 } });
  for (const noise of [
    'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
    '\u0000'.repeat(1_000),
    `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${'\u00ff'.repeat(5_000)}`,
  ]) {
    const socket = connect(fixture.port, '127.0.0.1');
    socket.write(noise, 'latin1');
    await closeOf(socket);
  }
  assert.equal((await callBytes(fixture.client(), idsPath, Buffer.alloc(0))).failure?.code, status.INTERNAL);
});

/** A call without a gRPC library in between. Resolves with headers, trailers and how it was reset. */
async function raw(session: ClientHttp2Session, headers: Record<string, string>, ...chunks: Buffer[]) {
  const stream = session.request({
    ':method': 'POST',
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  });
  const got: Record<string, unknown> = {};
  stream.on('response', (received) => Object.assign(got, received));
  stream.on('trailers', (received) => Object.assign(got, received));
  stream.on('error', () => {});
  stream.resume();
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  await new Promise((resolve) => stream.once('close', resolve));
  return { got, rst: stream.rstCode };
}

function prefixed(flag: number, length: number, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flag, 0);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, body]);
}

test('broken calls get a status, and the connection goes on', async () => {
  await using fixture = await openDoor({ config: { handshakeMs: 60_000 } });
  const session = connectHttp2(`http://127.0.0.1:${fixture.port}`);
  session.on('error', () => {});
  const four = Buffer.from('abcd');
  const unary = { ':path': idsPath };
  const statusOf = async (headers: Record<string, string>, ...chunks: Buffer[]) =>
    Number((await raw(session, headers, ...chunks)).got['grpc-status']);

  assert.equal(await statusOf({ ':path': '/no.such.Service/Method' }), status.UNIMPLEMENTED);
  assert.equal(await statusOf({ ':path': '/../../etc/passwd' }), status.UNIMPLEMENTED);
  // No message, a truncated one, two, one that claims to be huge, one that claims to be compressed.
  assert.equal(await statusOf(unary), status.UNIMPLEMENTED);
  assert.equal(await statusOf(unary, prefixed(0, 9, four)), status.UNIMPLEMENTED);
  assert.equal(
    await statusOf(unary, prefixed(0, 0, four.subarray(4)), prefixed(0, 0, four.subarray(4))),
    status.UNIMPLEMENTED,
  );
  assert.equal(await statusOf(unary, prefixed(0, 0xffffffff, four)), status.RESOURCE_EXHAUSTED);
  assert.equal(
    await statusOf({ ...unary, 'grpc-encoding': 'gzip' }, prefixed(1, 4, four)),
    status.UNIMPLEMENTED,
  );
  assert.equal(
    await statusOf({ ...unary, 'grpc-encoding': 'nonsense' }, prefixed(0, 4, four)),
    status.UNIMPLEMENTED,
  );
  const wrongType = await raw(session, { ...unary, 'content-type': 'application/json' });
  assert.equal(wrongType.got[':status'], 415);
  const flooded = await raw(session, {
    ...unary,
    ...Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`x-${i}`, 'y'])),
  });
  assert.equal(flooded.rst, constants.NGHTTP2_ENHANCE_YOUR_CALM);

  // A session stream cut off in the middle of a message.
  const stream = session.request({
    ':method': 'POST',
    ':path': sessionPath,
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  stream.on('error', () => {});
  stream.write(prefixed(0, 100, four));
  await once(fixture.sessions, 'open');
  stream.close(constants.NGHTTP2_CANCEL);
  await once(fixture.sessions, 'closed');
  assert.equal(fixture.sessions.calls.filter((call) => call.startsWith('data')).length, 0);
  // Still the same connection.
  assert.equal(session.destroyed, false);
  session.destroy();
});

test('a flag says compressed, the headers say nothing: refused, not inflated', async () => {
  await using fixture = await openDoor();
  const session = connectHttp2(`http://127.0.0.1:${fixture.port}`);
  session.on('error', () => {});
  const { got } = await raw(session, { ':path': idsPath }, prefixed(1, 4, Buffer.from('abcd')));
  assert.notEqual(Number(got['grpc-status']), status.OK);
  session.destroy();
});

test('many random frames: the door stands', async () => {
  await using fixture = await openDoor({ config: { handshakeMs: 60_000 } });
  let seed = 7;
  const random = (n: number) => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) % n;
  for (let round = 0; round < 20; round++) {
    const socket = connect(fixture.port, '127.0.0.1');
    const closed = closeOf(socket);
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
    for (let i = 0; i < 50; i++) {
      const payload = Buffer.from(Array.from({ length: random(40) }, () => random(256)));
      const head = Buffer.alloc(9);
      head.writeUIntBE(payload.length, 0, 3);
      head.writeUInt8(random(11), 3);
      head.writeUInt8(random(256), 4);
      head.writeUInt32BE(random(10), 5);
      socket.write(Buffer.concat([head, payload]));
    }
    socket.end();
    setTimeout(() => socket.destroy(), 50).unref();
    await closed;
  }
  const stream = connectStream(fixture.client());
  stream.write(Buffer.from('x'));
  await once(fixture.sessions, 'data');
  stream.cancel();
});

test('a port that is taken stops the start', async () => {
  await using fixture = await openDoor();
  await assert.rejects(openDoor({ config: { port: fixture.port } }), { code: 'EADDRINUSE' });
});

test('a port that is shut refuses, ends what is open, and opens again where it was', async () => {
  await using fixture = await openDoor();
  const open = connectHttp2(`http://127.0.0.1:${fixture.port}`);
  open.on('error', () => {});
  await once(open, 'connect');
  fixture.door.shut();
  const refused = connect(fixture.port, '127.0.0.1');
  const [error] = (await once(refused, 'error')) as [NodeJS.ErrnoException];
  assert.equal(error.code, 'ECONNREFUSED');
  await once(open, 'close');
  await fixture.door.reopen();
  const again = connectHttp2(`http://127.0.0.1:${fixture.port}`);
  await once(again, 'connect');
  again.destroy();
  fixture.door.shut();
});
