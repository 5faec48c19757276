import assert from 'node:assert/strict';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { connect as connectHttp2 } from 'node:http2';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from '@connectrpc/connect-node';
import { ErrorSchema, Retry } from '../gen/parley/chat/v1/error_pb.ts';
import { AllocateIdsResponseSchema, IdService } from '../gen/parley/chat/v1/id_pb.ts';
import type { CallContext } from '../services/core/door.ts';
import { Fault } from '../services/core/fault.ts';
import { BridgeFixture, doorTest } from './testing/bridge-fixture.ts';

/** What comes back when bytes are sent as they are. */
async function raw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(bytes);
  return text(socket).catch(() => '');
}

/** The beginning of what comes back. */
async function headOf(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(bytes);
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return chunk.toString();
}

interface Answer {
  readonly status: number;
  readonly reason: unknown;
}

async function problemOf(response: Response): Promise<Answer> {
  const body = (await response.json()) as Record<string, unknown>;
  assert.equal(body.code, response.status);
  assert.equal(response.headers.get('content-type'), 'application/json; charset=utf-8');
  return { status: response.status, reason: body.reason };
}

async function withPage(fixture: BridgeFixture): Promise<void> {
  await mkdir(join(fixture.webDir, 'assets'));
  await writeFile(join(fixture.webDir, 'index.html'), '<!doctype html><p>page');
  await writeFile(join(fixture.webDir, 'assets/main-AbCd1234.js'), 'export {};');
  await writeFile(join(fixture.webDir, '.secret'), 'secret');
}

test('the page: its files, its index for places inside it, caching and security headers', async () => {
  await using fixture = await BridgeFixture.start();
  const unbuilt = await fetch(fixture.url);
  assert.equal(unbuilt.status, 503);
  assert.match(await unbuilt.text(), /npm run build/);
  await withPage(fixture);
  for (const path of ['/', '/index.html', '/c/lobby?x=1', '/c/a%20b']) {
    const page = await fetch(fixture.url + path);
    assert.deepEqual([page.status, await page.text()], [200, '<!doctype html><p>page'], path);
    assert.equal(page.headers.get('content-type'), 'text/html; charset=utf-8');
    assert.equal(page.headers.get('cache-control'), 'no-cache');
    assert.equal(page.headers.get('x-content-type-options'), 'nosniff');
    assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'.*script-src 'self';/);
  }
  const asset = await fetch(`${fixture.url}/assets/main-AbCd1234.js`);
  assert.equal(asset.headers.get('content-type'), 'text/javascript; charset=utf-8');
  assert.match(asset.headers.get('cache-control') ?? '', /immutable/);
  const etag = asset.headers.get('etag') ?? '';
  const known = await fetch(`${fixture.url}/assets/main-AbCd1234.js`, { headers: { 'if-none-match': etag } });
  assert.equal(known.status, 304);
  const head = await fetch(fixture.url, { method: 'HEAD' });
  assert.deepEqual([head.status, head.headers.get('content-length'), await head.text()], [200, '22', '']);
  assert.equal((await fetch(`${fixture.url}/assets/gone.js`)).status, 404);
});

test('tricks with paths get nothing out of the page directory', async () => {
  await using fixture = await BridgeFixture.start();
  await withPage(fixture);
  const outside = join(fixture.webDir, '..');
  await symlink('/etc', join(fixture.webDir, 'etc'));
  const tricks = [
    '/../etc/passwd',
    '/%2e%2e/etc/passwd',
    '/..%2fetc%2fpasswd',
    '/assets/../../etc/passwd',
    '/assets/..%5c..%5cetc',
    '/.secret',
    '/%2esecret',
    '/etc/passwd',
    '//etc/passwd',
    '/%00',
    '/%',
    '/%ff',
    `/${outside}`,
    'http://localhost/../../etc/passwd',
    '*',
  ];
  for (const trick of tricks) {
    const answer = await raw(
      fixture.bridge.httpPort,
      `GET ${trick} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`,
    );
    assert.match(answer, /^HTTP\/1.1 (400|404|200) /, trick);
    assert.doesNotMatch(answer, /root:|secret/, trick);
  }
});

test('only GET and HEAD for files; unknown paths of the API are JSON', async () => {
  await using fixture = await BridgeFixture.start();
  const posted = await fetch(fixture.url, { method: 'POST', body: 'x' });
  assert.equal(posted.headers.get('allow'), 'GET, HEAD');
  assert.deepEqual(await problemOf(posted), { status: 405, reason: 'methodNotAllowed' });
  const missing = { status: 404, reason: 'notFound' };
  assert.deepEqual(await problemOf(await fetch(`${fixture.url}/api/v1/nothing`)), missing);
  assert.deepEqual(await problemOf(await fetch(`${fixture.url}/parley.chat.v1.NoService/Call`)), missing);
  const plainHttp = await fetch(`http://127.0.0.1:${fixture.bridge.wsPort}/`);
  assert.deepEqual(await problemOf(plainHttp), { status: 426, reason: 'upgradeRequired' });
});

test('requests that are none', async () => {
  await using fixture = await BridgeFixture.start();
  for (const port of [fixture.bridge.httpPort, fixture.bridge.wsPort]) {
    assert.match(await raw(port, 'nonsense\r\n\r\n'), /^HTTP\/1.1 400 [^]*badRequest/);
    assert.match(await raw(port, 'GET / HTTP/1.1\r\n\r\n'), /^HTTP\/1.1 400 /);
    const flood = `GET / HTTP/1.1\r\nhost: localhost\r\n${'abcd: efgh\r\n'.repeat(5_000)}\r\n`;
    assert.match(await raw(port, flood), /^HTTP\/1.1 431 [^]*headersTooLarge/);
    const long = `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nhost: localhost\r\n\r\n`;
    assert.match(await raw(port, long), /^HTTP\/1.1 431 /);
    const smuggled =
      'POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n';
    assert.match(await raw(port, smuggled), /^HTTP\/1.1 400 /);
    // The beginning of HTTP/2's preface, and no more.
    assert.doesNotMatch(await raw(port, 'PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n'), /200/);
  }
});

test('headers past any count are still seen', async () => {
  await using fixture = await BridgeFixture.start();
  const filler = Array.from({ length: 1_200 }, (_, i) => `a${i}:\r\n`).join('');
  const request = `GET / HTTP/1.1\r\nhost: localhost\r\n${filler}origin: https://evil.example\r\nconnection: close\r\n\r\n`;
  assert.match(await raw(fixture.bridge.httpPort, request), /^HTTP\/1.1 403 [^]*originForbidden/);
});

test('connections that never ask are ended, and only so many are let in', async () => {
  await using fixture = await BridgeFixture.start({ config: { handshakeTimeoutMs: 50, maxHalfOpen: 3 } });
  const { httpPort, wsPort } = fixture.bridge;
  const silent = [httpPort, wsPort, httpPort].map((port) => connect(port, '127.0.0.1'));
  const slow = ['', 'GET / HTTP/1.1\r\nhost: loc', 'PRI * HT'];
  await Promise.all(silent.map((socket) => once(socket, 'connect')));
  for (const [i, socket] of silent.entries()) socket.write(slow[i] as string);
  const closed = silent.map((socket) => text(socket));
  assert.equal(await raw(httpPort, 'GET / HTTP/1.1\r\nhost: localhost\r\n\r\n'), '');
  assert.equal(fixture.bridge.counters.refused.halfOpen, 1);
  await Promise.all(closed);
  assert.equal(fixture.bridge.counters.refused.handshakeTimeout, 3);
  assert.equal((await fetch(fixture.url)).status, 503);
});

test('a body that trickles is ended, over both versions of HTTP', async () => {
  await using fixture = await BridgeFixture.start({
    config: { requestTimeoutMs: 60, handshakeTimeoutMs: 60 },
  });
  const path = '/api/v1/messages/send';
  const head = `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{`;
  assert.match(await raw(fixture.bridge.httpPort, head), /^HTTP\/1.1 408 [^]*requestTimeout/);
  const session = connectHttp2(fixture.url);
  const stream = session.request({ ':path': path, ':method': 'POST', 'content-type': 'application/json' });
  stream.on('error', () => {});
  stream.write('{');
  await once(stream, 'close');
  session.destroy();
});

test('an HTTP/2 connection whose session is over is cut, though its client keeps it', async () => {
  await using fixture = await BridgeFixture.start({
    config: { requestTimeoutMs: 60, handshakeTimeoutMs: 60 },
  });
  const frame = (type: number, flags: number, stream: number, payload: Buffer) =>
    Buffer.concat([Buffer.from([0, 0, payload.length, type, flags, 0, 0, 0, stream]), payload]);
  const begins = Buffer.concat([
    Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    frame(4, 0, 0, Buffer.alloc(0)),
    // GET / of localhost.
    frame(1, 5, 1, Buffer.concat([Buffer.from([0x82, 0x86, 0x84, 0x41, 9]), Buffer.from('localhost')])),
  ]);
  const goodbye = frame(7, 0, 0, Buffer.alloc(8));
  const closed: Promise<unknown>[] = [];
  for (const bytes of [begins, Buffer.concat([begins, goodbye])]) {
    const stays = connect({ port: fixture.bridge.httpPort, host: '127.0.0.1', allowHalfOpen: true });
    stays.on('error', () => {});
    stays.write(bytes);
    await once(stays, 'data');
    stays.resume();
    closed.push(
      once(stays, 'end').then(async () => {
        // What comes for a connection that is gone is refused.
        const timer = setInterval(() => stays.write(goodbye), 20);
        await new Promise((resolve) => stays.once('close', resolve));
        clearInterval(timer);
      }),
    );
  }
  await Promise.all(closed);
});

test('a call over HTTP/2 that takes longer than its request may is answered', async () => {
  await using fixture = await BridgeFixture.start({ config: { requestTimeoutMs: 150 } });
  let asked = false;
  fixture.host.answer = async () => {
    asked = true;
    await new Promise((resolve) => setTimeout(resolve, 200));
    throw new Fault('conversationNotFound');
  };
  const session = connectHttp2(fixture.url);
  const stream = session.request({ ':path': '/api/v1/conversations/g?user_id=ann', ':method': 'GET' });
  const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
  assert.deepEqual([headers[':status'], asked], [404, true]);
  session.destroy();
});

test('ports that are shut refuse, end what is open, and open again where they were', async () => {
  await using fixture = await BridgeFixture.start();
  const { httpPort, wsPort } = fixture.bridge;
  const socket = await fixture.connect();
  fixture.bridge.shut();
  await assert.rejects(fetch(fixture.url));
  await assert.rejects(fixture.connect(), /ECONNREFUSED/);
  await socket.closed;
  await fixture.bridge.reopen();
  assert.deepEqual([fixture.bridge.httpPort, fixture.bridge.wsPort], [httpPort, wsPort]);
  assert.equal((await fetch(`${fixture.url}/api/v1/openapi.json`)).status, 200);
  await fixture.connect();
  // Shut again, it can still be stopped.
  fixture.bridge.shut();
});

test('development mode is for this machine alone', async () => {
  await using fixture = await BridgeFixture.start();
  const { httpPort, wsPort } = fixture.bridge;
  const upgrade =
    'upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
  const cases: [string, RegExp][] = [
    ['host: chat.example.org\r\n', /hostForbidden/],
    ['host: 127.0.0.1.example.org\r\n', /hostForbidden/],
    ['host: localhost\r\nx-forwarded-for: 1.2.3.4\r\n', /forwarded/],
    ['host: localhost\r\nforwarded: for=1.2.3.4\r\n', /forwarded/],
    ['host: localhost\r\nvia: 1.1 proxy\r\n', /forwarded/],
    ['host: localhost\r\norigin: https://evil.example\r\n', /originForbidden/],
    ['host: localhost\r\norigin: http://localhost.evil.example\r\n', /originForbidden/],
  ];
  for (const [headers, reason] of cases) {
    for (const [port, path, extra] of [
      [httpPort, '/', 'connection: close\r\n'],
      [httpPort, '/api/v1/openapi.json', 'connection: close\r\n'],
      [httpPort, '/ws', upgrade],
      [wsPort, '/', upgrade],
    ] as const) {
      const answer = await raw(port, `GET ${path} HTTP/1.1\r\n${headers}${extra}\r\n`);
      assert.match(answer, /^HTTP\/1.1 403 /, headers);
      assert.match(answer, reason);
    }
  }
  for (const headers of ['host: localhost', 'host: [::1]:9501', 'host: 127.0.0.1\r\norigin: null']) {
    const answer = await headOf(wsPort, `GET / HTTP/1.1\r\n${headers}\r\n${upgrade}\r\n`);
    assert.match(answer, /^HTTP\/1.1 101 /, headers);
  }
  await assert.rejects(BridgeFixture.start({ host: '0.0.0.0' }), /PARLEY_HOST/);
});

test('outside development origins are the own one and those allowed', async () => {
  await using fixture = await BridgeFixture.start({
    mode: 'production',
    config: { allowedOrigins: ['https://chat.example.org'] },
  });
  const origin = (value: string) =>
    fetch(`${fixture.url}/api/v1/openapi.json`, { headers: { origin: value } });
  const allowed = await origin('https://chat.example.org');
  assert.equal(allowed.status, 200);
  assert.equal(allowed.headers.get('access-control-allow-origin'), 'https://chat.example.org');
  assert.equal((await origin(fixture.url)).status, 200);
  assert.equal((await origin('null')).status, 403);
  const refused = await origin('https://evil.example');
  assert.equal(refused.headers.get('access-control-allow-origin'), null);
  assert.deepEqual(await problemOf(refused), { status: 403, reason: 'originForbidden' });
  const preflight = await fetch(`${fixture.url}/api/v1/groups`, {
    method: 'OPTIONS',
    headers: { origin: 'https://chat.example.org', 'access-control-request-method': 'PATCH' },
  });
  assert.equal(preflight.status, 204);
  assert.match(preflight.headers.get('access-control-allow-methods') ?? '', /PATCH/);
});

test('handshakes that are refused', async () => {
  await using fixture = await BridgeFixture.start({ config: { maxSocketsPerAddress: 2 } });
  const { httpPort, wsPort } = fixture.bridge;
  const handshake = (headers: string) =>
    `GET /ws HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upgrade\r\n${headers}\r\n`;
  const good = 'sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
  const cases: [string, RegExp][] = [
    [handshake('sec-websocket-version: 13\r\n'), / 400 [^]*Sec-WebSocket-Key/],
    [handshake('sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n'), / 400 [^]*Sec-WebSocket-Version/],
    [
      handshake(`${good}sec-websocket-protocol: graphql-ws\r\n`),
      / 400 [^]*unsupportedProtocol[^]*parley.v1.json/,
    ],
    [handshake(`${good}sec-websocket-protocol: graphql-ws, bearer.x\r\n`), / 400 [^]*unsupportedProtocol/],
    [handshake(`${good}sec-websocket-protocol: a,,b\r\n`), / 4\d\d /],
    [handshake(good).replace('/ws', '/elsewhere'), / 404 [^]*\/ws/],
    [handshake(good).replace('GET', 'POST'), / 400 /],
  ];
  for (const [request, expected] of cases) assert.match(await raw(httpPort, request), expected);
  const sockets = [await fixture.connect(), await fixture.connect()];
  assert.match(await raw(wsPort, handshake(good)), / 429 [^]*tooManyConnections/);
  assert.equal(fixture.bridge.counters.refused.tooManySockets, 1);
  const [first] = sockets;
  first?.close();
  await first?.closed;
  await fixture.connect();
});

test('the addresses of one IPv6 network share the room of one', async () => {
  await using fixture = await BridgeFixture.start({
    mode: 'production',
    config: { maxSocketsPerAddress: 2, trustedProxies: 1 },
  });
  const from = (address: string) => fixture.connect('', [], { headers: { 'x-forwarded-for': address } });
  const first = await from('2001:db8:a:b::1');
  await from('2001:db8:a:b:ffff::2');
  await assert.rejects(from('2001:db8:a:b::3'), /429/);
  await from('2001:db8:a:c::3');
  first.close();
  await first.closed;
  await from('2001:db8:a:b::3');
});

test('an offer of h2c by upgrade is answered in HTTP/1.1', async () => {
  await using fixture = await BridgeFixture.start();
  const offer =
    'connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\nconnection: close\r\n';
  const request = `GET /api/v1/openapi.json HTTP/1.1\r\nhost: localhost\r\n${offer}\r\n`;
  assert.match(await raw(fixture.bridge.httpPort, request), /^HTTP\/1.1 200 /);
});

doorTest('Connect, gRPC-Web and gRPC calls pass through, over both versions of HTTP', async (start) => {
  await using fixture = await start();
  const seen: [string, number, CallContext][] = [];
  fixture.host.answer = (rpc: string, request: unknown, context: CallContext) => {
    const { count } = request as { count: number };
    seen.push([rpc, count, context]);
    if (count === 2)
      throw new Fault('rateLimited', { message: 'slowly, Jürgen', field: 'count', retryAfterMs: 70 });
    if (count === 3) throw new Error('a bug with secrets in its message');
    return create(AllocateIdsResponseSchema, { ids: [2n ** 62n] });
  };
  const baseUrl = fixture.url;
  const transports = [
    createConnectTransport({ httpVersion: '1.1', baseUrl }),
    createConnectTransport({ httpVersion: '2', baseUrl, useBinaryFormat: false }),
    createGrpcWebTransport({ httpVersion: '1.1', baseUrl }),
    createGrpcWebTransport({ httpVersion: '2', baseUrl }),
    createGrpcTransport({ baseUrl }),
  ];
  for (const transport of transports) {
    const client = createClient(IdService, transport);
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const headers = { authorization: 'Bearer jwt', 'parley-user': 'J%C3%BCrgen', traceparent };
    assert.deepEqual((await client.allocateIds({ count: 1 }, { headers })).ids, [2n ** 62n]);
    // Who would wait for longer than any call takes is as welcome as anybody.
    for (const timeoutMs of [60_001, 86_400_000])
      assert.deepEqual((await client.allocateIds({ count: 1 }, { headers, timeoutMs })).ids, [2n ** 62n]);
    const caller = { bearer: 'jwt', user: 'Jürgen', remoteAddress: '127.0.0.1', traceparent };
    assert.deepEqual(seen.at(-1), ['parley.chat.v1.IdService/AllocateIds', 1, caller]);
    await assert.rejects(client.allocateIds({ count: 2 }), (error) => {
      assert.ok(error instanceof ConnectError);
      const [detail] = error.findDetails(ErrorSchema);
      assert.equal(error.code, Code.ResourceExhausted);
      assert.equal(error.rawMessage, 'slowly, Jürgen');
      assert.deepEqual(
        [detail?.reason, detail?.retry, detail?.retryAfterMs, detail?.field],
        ['rateLimited', Retry.HERE, 70, 'count'],
      );
      return true;
    });
    await assert.rejects(client.allocateIds({ count: 3 }), (error) => {
      assert.ok(error instanceof ConnectError && error.code === Code.Internal);
      assert.doesNotMatch(error.message, /secrets/);
      return true;
    });
  }
});

test('calls with bodies that are none, or too large', async () => {
  await using fixture = await BridgeFixture.start({ config: { maxCallBytes: 10_000 } });
  const call = (body: string, type = 'application/json') =>
    fetch(`${fixture.url}/parley.chat.v1.IdService/AllocateIds`, {
      method: 'POST',
      headers: { 'content-type': type },
      body,
    });
  const broken = await call('{');
  assert.equal(broken.status, 400);
  assert.match(await broken.text(), /parley.chat.v1.Error/);
  const malformed = await call('\xff', 'application/proto');
  assert.equal(malformed.status, 400);
  assert.equal(((await malformed.json()) as { code: string }).code, 'invalid_argument');
  assert.equal((await call('{}', 'text/plain')).status, 415);
  assert.equal((await call(JSON.stringify({ x: 'x'.repeat(20_000) }))).status, 429);
  assert.equal((await fetch(`${fixture.url}/parley.chat.v1.IdService/AllocateIds`)).status, 405);
  assert.equal((await call('{}')).status, 200);
});
