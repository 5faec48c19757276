import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, request as requestInClear } from 'node:http';
import { request } from 'node:https';
import { type AddressInfo, connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { create } from '@bufbuild/protobuf';
import { createClient } from '@connectrpc/connect';
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from '@connectrpc/connect-node';
import { WebSocket } from 'ws';
import { ConversationService } from '../../gen/parley/chat/v1/conversation_pb.ts';
import { CommandSchema, type Event } from '../../gen/parley/chat/v1/session_pb.ts';
import { gatewayBlock } from '../../scripts/engine-kinds.ts';
import { root } from '../../scripts/paths.ts';
import { openWire } from '../crash/wires.ts';
import type { WireKind } from '../crash/wire.ts';
import { until } from '../e2e/support/until.ts';
import { freePort } from '../engines/free-port.ts';
import { GatewayNginx, GatewayPlace, type GatewaySettings } from '../engines/gateway.ts';
import { Nginx } from '../engines/nginx.ts';
import { Authority, type NodePem } from '../helpers/certificates.ts';
import { ProductionServer } from '../input/support/production.ts';

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

describe('nginx as a gateway', () => {
  const stack = new AsyncDisposableStack();
  let authority: Authority;
  let pem: NodePem;
  let server: ProductionServer;
  let inside: Pick<GatewaySettings, 'http' | 'grpc' | 'upstreamAuthority'>;
  let gateway: GatewayNginx;
  let token: string;

  before(async () => {
    authority = stack.use(await Authority.make());
    pem = await authority.tls('gateway', { names: 'IP:127.0.0.1' });
    await authority.sign('node', { names: 'DNS:node' });
    const { cert, key, ca } = authority.files('node');
    server = stack.use(
      await ProductionServer.start({
        PARLEY_TRUSTED_PROXIES: '1',
        PARLEY_GRPC_TRUSTED_PROXIES: '1',
        PARLEY_HTTP_TLS_CERT: cert,
        PARLEY_HTTP_TLS_KEY: key,
        PARLEY_GRPC_TLS_CERT: cert,
        PARLEY_GRPC_TLS_KEY: key,
      }),
    );
    token = await server.tokenOf('ann');
    // The first of each is a node that is not there.
    inside = {
      http: [`127.0.0.1:${await freePort()}`, `127.0.0.1:${server.ports.http}`],
      grpc: [`127.0.0.1:${await freePort()}`, `127.0.0.1:${server.ports.grpc}`],
      upstreamAuthority: ca,
    };
    gateway = await start(inside);
  });
  after(() => stack.disposeAsync());

  async function start(
    more: Pick<GatewaySettings, 'http' | 'grpc' | 'upstreamAuthority'> & Partial<GatewaySettings>,
  ): Promise<GatewayNginx> {
    const { cert, key } = authority.files('gateway');
    const place = await GatewayPlace.make({
      certificate: cert,
      key,
      listen: [`127.0.0.1:${await freePort()}`],
      listenPlain: [`127.0.0.1:${await freePort()}`],
      checkPort: await freePort(),
      proxyProtocolFrom: [],
      connectionsPerAddress: 1_000,
      requestsPerSecond: 1_000,
      requestBurst: 1_000,
      ...more,
    });
    return stack.use(await GatewayNginx.start(place));
  }

  const portOf = (address: string | undefined): number => Number(address?.split(':').at(-1));
  const portOfTls = (nginx: GatewayNginx): number => portOf(nginx.place.settings.listen[0]);
  const url = (): string => `https://127.0.0.1:${portOfTls(gateway)}`;

  function get(
    nginx: GatewayNginx,
    path: string,
    headers: Readonly<Record<string, string>> = {},
    body?: Buffer,
  ): Promise<Answer> {
    return answerOf(
      request({
        host: '127.0.0.1',
        port: portOfTls(nginx),
        path,
        method: body === undefined ? 'GET' : 'POST',
        headers: { ...headers, ...(body && { 'content-length': body.length }) },
        agent: false,
        ca: pem.ca,
      }),
      body,
    );
  }

  /** What keepalived asks. */
  function check(nginx: GatewayNginx, path: string): Promise<Answer> {
    return answerOf(requestInClear({ host: '127.0.0.1', port: nginx.place.settings.checkPort, path }));
  }

  it('carries REST, Connect, gRPC-Web and gRPC calls on one port, by TLS, to a node with TLS', async () => {
    const authorization = `Bearer ${token}`;
    const listed = await get(gateway, '/api/v1/conversations', { authorization });
    assert.equal(listed.status, 200, listed.text);
    const options = { baseUrl: url(), nodeOptions: { ca: pem.ca } };
    for (const transport of [
      createConnectTransport({ ...options, httpVersion: '1.1' }),
      createConnectTransport({ ...options, httpVersion: '2', useBinaryFormat: false }),
      createGrpcWebTransport({ ...options, httpVersion: '2' }),
      createGrpcTransport(options),
    ]) {
      const client = createClient(ConversationService, transport);
      await client.listConversations({}, { headers: { authorization } });
      await assert.rejects(client.listConversations({}), /unauthenticated/);
    }
  });

  for (const kind of ['grpc', 'ws-proto', 'ws-json'] as const satisfies readonly WireKind[])
    it(`carries sessions: ${kind}`, async () => {
      const heard = Promise.withResolvers<Event>();
      const port = portOfTls(gateway);
      const doors = { http: 0, ws: 0, grpc: 0, metrics: 0 };
      const wire = openWire(
        kind,
        { ...doors, gateway: { host: '127.0.0.1', port, ca: pem.ca, heartbeatMs: 5_000 } },
        { event: heard.resolve, closed: (why) => heard.reject(new Error(why)) },
      );
      const hello = { userId: 'ann', token, deviceId: `by ${kind}`, protocolVersion: 1 };
      wire.send([create(CommandSchema, { id: 1, command: { case: 'hello', value: hello } })]);
      assert.equal((await heard.promise).event.case, 'welcome');
      wire.close();
    });

  it('speaks TLS 1.2 and 1.3 and nothing older, HTTP/2, and sends those who come without to TLS', async () => {
    const port = portOfTls(gateway);
    const handshake = (options: object) =>
      new Promise<string>((resolve, reject) => {
        const socket = connectTls({ host: '127.0.0.1', port, ca: pem.ca, ...options }, () => {
          resolve(`${socket.getProtocol()} ${socket.alpnProtocol}`);
          socket.destroy();
        });
        socket.on('error', reject);
      });
    assert.equal(await handshake({ ALPNProtocols: ['h2', 'http/1.1'] }), 'TLSv1.3 h2');
    assert.equal(await handshake({ maxVersion: 'TLSv1.2' }), 'TLSv1.2 false');
    // Security level 0 lets this side offer it.
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' };
    await assert.rejects(handshake(old), /alert|version/);
    const page = await get(gateway, '/');
    assert.equal(page.headers['strict-transport-security'], 'max-age=31536000');
    const plain = requestInClear({
      host: '127.0.0.1',
      port: portOf(gateway.place.settings.listenPlain[0]),
      path: '/x?y=1',
      headers: { host: 'chat.example.org' },
    });
    const { status, headers } = await answerOf(plain);
    assert.deepEqual([status, headers.location], [308, 'https://chat.example.org/x?y=1']);
  });

  it('tells nodes where a client comes from, whatever the client says', async () => {
    const nginx = await start({ http: [await echo(stack)], grpc: inside.grpc });
    const said = { 'x-forwarded-for': '6.6.6.6', 'x-real-ip': '6.6.6.6', forwarded: 'for=6.6.6.6' };
    const got = JSON.parse((await get(nginx, '/', said)).text) as IncomingHttpHeaders;
    assert.equal(got['x-forwarded-for'], '127.0.0.1');
    assert.equal(got['x-forwarded-proto'], 'https');
    assert.equal(got['x-real-ip'], undefined);
    assert.equal(got.forwarded, undefined);
    assert.equal(got.host, `127.0.0.1:${portOfTls(nginx)}`);
  });

  it('believes a balancer in front that speaks the PROXY protocol', async () => {
    const nginx = await start({
      http: [await echo(stack)],
      grpc: inside.grpc,
      proxyProtocolFrom: ['127.0.0.0/8'],
    });
    const socket = connectTcp(portOfTls(nginx), '127.0.0.1');
    await once(socket, 'connect');
    socket.write('PROXY TCP4 192.0.2.77 127.0.0.1 50000 443\r\n');
    const secured = connectTls({ socket, ca: pem.ca, host: '127.0.0.1' });
    secured.write('GET / HTTP/1.0\r\nHost: a\r\n\r\n');
    let text = '';
    for await (const chunk of secured) text += String(chunk);
    assert.match(text, /"x-forwarded-for":"192\.0\.2\.77"/);
  });

  it('writes down each request as JSON, and no token, also when nobody is there to answer', async () => {
    const nobody = `127.0.0.1:${await freePort()}`;
    const alone = await start({ http: [nobody], grpc: [nobody] });
    for (const nginx of [gateway, alone]) {
      await get(nginx, `/api/v1/conversations?token=${token}&limit=1`, { authorization: `Bearer ${token}` });
      const socket = new WebSocket(`wss://127.0.0.1:${portOfTls(nginx)}/ws?token=${token}`, { ca: pem.ca });
      socket.on('open', () => socket.terminate());
      socket.on('error', () => {});
      await new Promise((resolve) => socket.on('close', resolve));
      let lines: Record<string, unknown>[] = [];
      await until(
        async () => {
          const text = (await nginx.accessLog()).trimEnd();
          lines =
            text === '' ? [] : text.split('\n').map((line) => JSON.parse(line) as (typeof lines)[number]);
          return lines.some((line) => line['url.path'] === '/ws');
        },
        () => JSON.stringify(lines),
      );
      const line = lines.find((one) => one['url.path'] === '/api/v1/conversations');
      assert.equal(line?.['http.response.status_code'], nginx === alone ? 502 : 200);
      assert.equal(line?.['client.address'], '127.0.0.1');
      const written = `${await nginx.accessLog()}${await nginx.errorLog()}${nginx.output}`;
      assert.ok(!written.includes(token), 'a token was written down');
      assert.ok(!written.includes('eyJ'), 'a part of a token was written down');
    }
  });

  it('has limits: requests, connections, headers, bodies', async () => {
    const http = [await echo(stack)];
    const hurried = await start({ http, grpc: inside.grpc, requestsPerSecond: 1, requestBurst: 3 });
    const answers = await Promise.all(Array.from({ length: 12 }, () => get(hurried, '/')));
    const refused = answers.filter(({ status }) => status === 429).length;
    assert.ok(refused >= 6 && refused <= 9, `${refused} of 12 were refused`);

    const crowded = await start({ ...inside, connectionsPerAddress: 2 });
    const sockets: WebSocket[] = [];
    const open = async (): Promise<string> => {
      const socket = new WebSocket(`wss://127.0.0.1:${portOfTls(crowded)}/ws?token=${token}`, { ca: pem.ca });
      sockets.push(socket);
      return new Promise((resolve) => {
        socket.on('open', () => resolve('open'));
        socket.on('error', (error) => resolve(error.message));
      });
    };
    assert.equal(await open(), 'open');
    assert.equal(await open(), 'open');
    assert.match(await open(), /429/);
    for (const socket of sockets) socket.terminate();

    assert.equal((await get(gateway, '/', { 'x-much': 'x'.repeat(20_000) })).status, 400);
    assert.equal((await get(gateway, '/api/v1/messages/send', {}, Buffer.alloc(9 << 20))).status, 413);
  });

  it('answers keepalived, and nobody else asks a node how it is', async () => {
    assert.equal((await check(gateway, '/gateway')).status, 204);
    assert.equal((await check(gateway, '/parley')).status, 200);
    assert.match((await check(gateway, '/status')).text, /Active connections/);
    for (const path of ['/readyz', '/livez']) assert.equal((await get(gateway, path)).status, 404);
    const nobody = `127.0.0.1:${await freePort()}`;
    const alone = await start({ http: [nobody], grpc: [nobody] });
    assert.equal((await check(alone, '/gateway')).status, 204);
    assert.ok((await check(alone, '/parley')).status >= 500);
  });

  it('sends requests to a node at once when it is back, however often it was not there', async () => {
    const port = await freePort();
    // Of a single one nginx counts no failures.
    const http = [`127.0.0.1:${port}`, `127.0.0.1:${await freePort()}`];
    const nginx = await start({ http, grpc: inside.grpc });
    for (let tries = 0; tries < 5; tries += 1) assert.equal((await get(nginx, '/')).status, 502);
    await echo(stack, port);
    assert.equal((await get(nginx, '/')).status, 200);
  });

  it('goes by no node whose certificate is of another authority', async () => {
    await using another = await Authority.make();
    const foreign = await start({ ...inside, upstreamAuthority: another.files('ca').ca });
    assert.equal((await get(foreign, '/api/v1/conversations')).status, 502);
  });

  it('takes a replaced certificate at a reload, and keeps the sessions that there are', async () => {
    await using another = await Authority.make();
    await authority.sign('renewed', { names: 'IP:127.0.0.1' });
    await another.sign('next', { names: 'IP:127.0.0.1' });
    const { cert, key } = authority.files('renewed');
    const nginx = await start({ ...inside, certificate: cert, key });
    const socket = new WebSocket(`wss://127.0.0.1:${portOfTls(nginx)}/ws?token=${token}`, { ca: pem.ca });
    await once(socket, 'open');
    await authority.replace('renewed', 'next', another);
    nginx.reload();
    await until(
      () =>
        get(nginx, '/').then(
          () => false,
          () => true,
        ),
      () => 'the former certificate is still shown',
    );
    socket.ping();
    await once(socket, 'pong');
    assert.equal(socket.readyState, WebSocket.OPEN);
    socket.terminate();
  });
});

describe('nginx in front of the nodes of one machine', () => {
  it('sends requests to a node that is back, at once, when another one goes away', async () => {
    await using stack = new AsyncDisposableStack();
    const ports = [await freePort(), await freePort()] as const;
    const upstreams = ports.map((port) => `127.0.0.1:${port}`);
    const nginx = stack.use(
      await Nginx.start({ configure: (port) => gatewayBlock({ upstreams, development: true }, port) }),
    );
    const ask = async () =>
      (await answerOf(requestInClear({ host: '127.0.0.1', port: nginx.port, path: '/', agent: false })))
        .status;
    for (let tries = 0; tries < 5; tries += 1) assert.equal(await ask(), 502);
    for (const port of ports) {
      await using up = new AsyncDisposableStack();
      await echo(up, port);
      assert.equal(await ask(), 200);
    }
  });

  it('counts failures of no server that Compose names, either', async () => {
    for (const file of ['compose.yaml', 'production/compose.yaml']) {
      const text = await readFile(join(root, 'deploy', file), 'utf8');
      const servers = text.match(/\bserver [\w.-]+:\d+[^;]*;/g) ?? [];
      assert.equal(servers.length, 4, file);
      for (const server of servers) assert.match(server, / max_fails=0;$/, file);
    }
  });
});

/** A server that answers with the headers that it got. */
async function echo(stack: AsyncDisposableStack, port = 0): Promise<string> {
  const echoing = createServer((asked, response) => response.end(JSON.stringify(asked.headers)));
  echoing.listen(port, '127.0.0.1');
  await once(echoing, 'listening');
  stack.defer(() => {
    echoing.close();
    echoing.closeAllConnections();
  });
  return `127.0.0.1:${(echoing.address() as AddressInfo).port}`;
}

function answerOf(asked: ReturnType<typeof request>, body?: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    asked.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
      );
    });
    asked.on('error', reject);
    asked.end(body);
  });
}
