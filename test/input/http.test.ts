import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2, constants } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { TestServer } from '../helpers/server.ts';
import { until } from '../e2e/support/until.ts';
import { Metrics } from './support/metrics.ts';
import { Rest } from './support/rest.ts';
import { Scene } from './support/scene.ts';

/** What comes back when bytes are sent as they are, until the server closes. */
async function raw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(bytes, 'latin1');
  return text(socket).catch(() => '');
}

/** A request head of HTTP/1.1 with these headers, and what follows. */
function http1(line: string, headers: readonly string[] = [], body = ''): string {
  return `${line} HTTP/1.1\r\n${['host: localhost', 'connection: close', ...headers].join('\r\n')}\r\n\r\n${body}`;
}

const upgrade = (key = 'dGhlIHNhbXBsZSBub25jZQ==', version = '13') => [
  'upgrade: websocket',
  'connection: upgrade',
  `sec-websocket-key: ${key}`,
  `sec-websocket-version: ${version}`,
];
const send = 'POST /api/v1/messages/send';
const json = 'content-type: application/json';

/** Requests that are refused: what is sent, the status, and the reason where there is one. */
const refused: readonly (readonly [name: string, bytes: string, status: number, reason: string])[] = [
  ['two lengths', http1(send, ['content-length: 5', 'content-length: 6'], '123456'), 400, 'badRequest'],
  [
    'a length and chunks',
    http1(send, ['content-length: 5', 'transfer-encoding: chunked'], '0\r\n\r\nGET /secret HTTP/1.1\r\n\r\n'),
    400,
    'badRequest',
  ],
  ['chunks by another name', http1(send, ['transfer-encoding: xchunked'], '0\r\n\r\n'), 400, 'badRequest'],
  ['chunks that are not last', http1(send, ['transfer-encoding: chunked, identity']), 400, 'badRequest'],
  [
    'a chunk without a number',
    http1(send, [json, 'transfer-encoding: chunked'], 'x\r\n{}\r\n'),
    400,
    'badRequest',
  ],
  ['a negative length', http1(send, ['content-length: -5']), 400, 'badRequest'],
  ['a length without end', http1(send, ['content-length: 99999999999999999999']), 400, 'badRequest'],
  ['a gigabyte', http1(send, [json, 'content-length: 999999999']), 413, 'frameTooLarge'],
  ['line feeds alone', 'GET /api/v1/conversations HTTP/1.1\nhost: localhost\n\n', 400, 'badRequest'],
  ['a folded header', http1('GET /', ['x-a: b', ' c: d']), 400, 'badRequest'],
  ['a space before the colon', http1('GET /', ['x-a : b']), 400, 'badRequest'],
  ['a method that there is not', http1('FROB /'), 400, 'badRequest'],
  ['a version that there is not', 'GET / HTTP/2.5\r\nhost: localhost\r\n\r\n', 400, 'badRequest'],
  ['a NUL in the path', http1('GET /\0'), 400, 'badRequest'],
  ['noise', '\u0000\u00ff\u0001\u0002\r\n\r\n', 400, 'badRequest'],
  ['TLS', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000', 400, 'badRequest'],
  ['17 KiB of headers', http1('GET /', [`x: ${'y'.repeat(17_000)}`]), 431, 'headersTooLarge'],
  [
    '3,000 headers',
    http1(
      'GET /',
      Array.from({ length: 3_000 }, (_, index) => `x${index}: y`),
    ),
    431,
    'headersTooLarge',
  ],
  ['17 KiB of path', http1(`GET /${'y'.repeat(17_000)}`), 431, 'headersTooLarge'],
  [
    'a foreign host',
    'GET / HTTP/1.1\r\nhost: chat.example\r\nconnection: close\r\n\r\n',
    403,
    'hostForbidden',
  ],
  ['a foreign origin', http1('GET /', ['origin: https://evil.example']), 403, 'originForbidden'],
  ['an origin like ours', http1('GET /', ['origin: http://localhost.evil.example']), 403, 'originForbidden'],
  ['a proxy', http1('GET /', ['x-forwarded-for: 127.0.0.1']), 403, 'forwarded'],
  ['an address in the line', http1('GET http://evil.example/api/v1/conversations'), 400, 'badPath'],
  ['steps up', http1('GET /../../etc/passwd'), 400, 'badPath'],
  ['steps up in disguise', http1('GET /%2e%2e/%2e%2e/etc/passwd'), 400, 'badPath'],
  ['steps up with backslashes', http1('GET /..%5c..%5cetc/passwd'), 400, 'badPath'],
  ['a path beside the interface', http1('GET //api/v1/conversations'), 400, 'badPath'],
  ['steps to the interface', http1('GET /x/../api/v1/conversations'), 400, 'badPath'],
  ['what is no percent', http1('GET /%zz'), 400, 'badPath'],
  ['what is no percent in the interface', http1('GET /api/v1/groups/%zz'), 404, 'notFound'],
  [
    'a step in an id',
    http1('GET /api/v1/groups/..%2f..%2fown/members?user_id=ann'),
    404,
    'conversationNotFound',
  ],
  ['an unknown route', http1('GET /api/v2/groups'), 404, 'notFound'],
  ['the wrong method', http1('DELETE /api/v1/messages/send'), 405, 'methodNotAllowed'],
  ['a trace', http1('TRACE /'), 405, 'methodNotAllowed'],
  ['the session service', http1('POST /parley.chat.v1.SessionService/Connect', [json]), 404, 'notFound'],
  ['the bridges’ own service', http1('POST /parley.node.v1.BridgeService/Attach', [json]), 404, 'notFound'],
  [
    'a body in another language',
    http1(send, ['content-type: text/xml', 'content-length: 4'], '<a/>'),
    415,
    'unsupportedFrame',
  ],
  [
    'a call in another language',
    http1(
      'POST /parley.chat.v1.MessageService/Send',
      ['content-type: text/xml', 'content-length: 4'],
      '<a/>',
    ),
    415,
    'unsupportedFrame',
  ],
  [
    'a call by GET',
    http1('GET /parley.chat.v1.MessageService/Send?message={}&encoding=json'),
    405,
    'methodNotAllowed',
  ],
  ['a socket of another version', http1('GET /ws', upgrade(undefined, '99')), 400, 'badRequest'],
  ['a socket with a bad key', http1('GET /ws', upgrade('x')), 400, 'badRequest'],
  ['a socket by POST', http1('POST /ws', upgrade()), 400, 'badRequest'],
  ['a socket elsewhere', http1('GET /wss', upgrade()), 404, 'notFound'],
  [
    'a socket with a foreign origin',
    http1('GET /ws', [...upgrade(), 'origin: https://evil.example']),
    403,
    'originForbidden',
  ],
  [
    'a socket with an unknown subprotocol',
    http1('GET /ws', [...upgrade(), 'sec-websocket-protocol: chat']),
    400,
    'unsupportedProtocol',
  ],
  [
    'a socket that can’t make up its mind',
    http1('GET /ws', [...upgrade(), 'sec-websocket-protocol: a, a']),
    400,
    'unsupportedProtocol',
  ],
];

describe('HTTP that is no good', () => {
  const stack = new AsyncDisposableStack();
  let server: TestServer;
  let scene: Scene;

  before(async () => {
    server = stack.use(
      await TestServer.start({
        PARLEY_HTTP_HANDSHAKE_TIMEOUT_MS: '400',
        PARLEY_HTTP_REQUEST_TIMEOUT_MS: '900',
        PARLEY_GRPC_HANDSHAKE_MS: '400',
      }),
    );
    scene = stack.use(await Scene.set(server.ports));
  });
  after(() => stack.disposeAsync());

  for (const [name, bytes, status, reason] of refused)
    test(`${name}: ${status} ${reason}`, async () => {
      const answer = await raw(server.ports.http, bytes);
      const [head = '', body = ''] = answer.split('\r\n\r\n');
      assert.match(head, new RegExp(`^HTTP/1.1 ${status} `), answer.slice(0, 200));
      assert.equal((JSON.parse(body) as { reason: string }).reason, reason);
      assert.equal(answer.match(/^HTTP\/1\.1 /gm)?.length, 1, 'one answer, whatever was smuggled in');
    });

  test('what is no request is counted', async () => {
    const metrics = await Metrics.read(server.ports.metrics);
    for (const counted of ['badRequest', 'headersTooLarge'])
      assert.ok(
        metrics.of(`chat_bridge_refusals_total{reason="${counted}"}`) >=
          refused.filter(([, , status, reason]) => reason === counted && status !== 426).length,
        counted,
      );
  });

  test('what was written behind a refused request is not carried out', async () => {
    const rest = new Rest(server.ports.http).as('mallory');
    const body = '{"conv_id":"own","content":"smuggled"}';
    const inner = http1(`${send}?user_id=mallory`, [json, `content-length: ${body.length}`], body);
    const headers = ['content-length: 5', 'transfer-encoding: chunked'];
    await raw(server.ports.http, http1(send, headers, `0\r\n\r\n${inner}`));
    const { entries } = await rest.ok('GET', '/api/v1/conversations/own/messages');
    assert.ok(!JSON.stringify(entries).includes('smuggled'));
  });

  test('compression is neither offered nor taken', async () => {
    const handshake = http1('GET /ws', [...upgrade(), 'sec-websocket-extensions: permessage-deflate']);
    const socket = connect(server.ports.http, '127.0.0.1');
    socket.write(handshake);
    const [head] = (await once(socket, 'data')) as [Buffer];
    assert.match(head.toString(), /^HTTP\/1.1 101 /);
    assert.doesNotMatch(head.toString(), /extensions/i);
    // A frame that says it is compressed.
    socket.write(Buffer.from([0xc1, 0x82, 0, 0, 0, 0, 0x7b, 0x7d]));
    assert.match(await text(socket), /malformedFrame/);

    const bomb = gzipSync(Buffer.alloc(50_000_000, ' '));
    for (const path of ['/parley.chat.v1.MessageService/Send', '/api/v1/messages/send']) {
      const response = await fetch(`http://127.0.0.1:${server.ports.http}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-encoding': 'gzip', 'parley-user': 'mallory' },
        body: bomb,
      });
      assert.ok(response.status === 415 || response.status === 400, `${path}: ${response.status}`);
      assert.match(
        await response.text(),
        path.startsWith('/api') ? /"malformedFrame"/ : /unsupported|unimplemented|invalid/,
      );
    }
  });

  test('half-open connections and slow requests are cut, whatever they have begun with', async () => {
    const { http, ws, grpc } = server.ports;
    const beginnings: readonly (readonly [number, string])[] = [
      [http, ''],
      [http, 'G'],
      [http, 'PRI * HTTP'],
      [http, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
      [http, 'GET / HTTP/1.1\r\nhost: local'],
      [http, http1(send, [json, 'content-length: 100'], '{"')],
      [ws, ''],
      [ws, 'GET / HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\n'],
      [grpc, ''],
      [grpc, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ];
    const sockets = beginnings.map(([port, bytes]) => {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => {});
      socket.write(bytes);
      socket.resume();
      return socket;
    });
    await scene.assertUnharmed();
    await Promise.all(sockets.map(closed));
    const metrics = await Metrics.read(server.ports.metrics);
    // A request that has begun is cut by whoever sees it first: the guard of new connections, or the HTTP server.
    const cut = ['handshakeTimeout', 'requestTimeout'].map((reason) =>
      metrics.of(`chat_bridge_refusals_total{reason="${reason}"}`),
    );
    assert.ok(cut.reduce((sum, count) => sum + count, 0) >= 8);
    assert.ok(metrics.of('chat_grpc_refusals_total{reason="handshakeTimeout"}') >= 2);
  });

  test('a slow loris gets no further, byte by byte', async () => {
    const socket = connect(server.ports.http, '127.0.0.1');
    socket.on('error', () => {});
    socket.resume();
    socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n');
    const drip = setInterval(() => socket.write('x: y\r\n'), 50);
    await closed(socket);
    clearInterval(drip);
  });

  test('HTTP/2: header floods, streams opened and abandoned', async () => {
    const session = connectHttp2(`http://127.0.0.1:${server.ports.http}`);
    session.on('error', () => {});
    const headers = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`x-${index}`, 'y']));
    const flooded = session.request({ ':path': '/', ...headers });
    flooded.on('error', () => {});
    flooded.resume();
    await new Promise((resolve) => flooded.once('close', resolve));
    assert.equal(flooded.rstCode, constants.NGHTTP2_ENHANCE_YOUR_CALM);
    for (let round = 0; round < 20; round += 1)
      for (let i = 0; i < 20; i += 1) {
        const stream = session.request({ ':method': 'POST', ':path': '/api/v1/messages/send' });
        stream.on('error', () => {});
        stream.close(constants.NGHTTP2_CANCEL);
      }
    session.close();
    await new Promise((resolve) => (session.destroyed ? resolve(undefined) : session.once('close', resolve)));
    await scene.assertUnharmed();
  });

  test('bodies that end in the middle are nobody’s fault', async () => {
    for (const path of [send, 'POST /parley.chat.v1.MessageService/Send']) {
      const socket = connect(server.ports.http, '127.0.0.1');
      socket.on('error', () => {});
      socket.write(http1(path, [json, 'content-length: 100'], '{"conv'));
      await once(socket, 'connect');
      socket.destroy();
    }
    await scene.assertUnharmed();
  });

  test('none of it was an error of the server', async () => {
    const metrics = await Metrics.read(server.ports.metrics);
    assert.equal(metrics.of('chat_commands_refused_total{reason="internal"}'), 0);
    const refusals = metrics.by('chat_bridge_refusals_total');
    for (const reason of [
      'originForbidden',
      'hostForbidden',
      'forwarded',
      'unsupportedProtocol',
      'badRequest',
    ])
      assert.ok((refusals.get(reason) ?? 0) > 0, reason);
    await until(
      async () => (await Metrics.read(server.ports.metrics)).of('chat_sockets_open{dialect="plain"}') === 0,
      () => 'a socket is open still',
    );
  });
});

async function closed(socket: Socket): Promise<void> {
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
}
