import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { request } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { ConnectionOptions } from 'node:tls';
import { WebSocket } from 'ws';
import { Certificates } from '../services/core/certificates.ts';
import { Readiness } from '../services/core/readiness.ts';
import { until } from '../test/crash/until.ts';
import { Authority, type NodePem, steady } from '../test/helpers/certificates.ts';
import { BridgeFixture, type FixtureInit } from './testing/bridge-fixture.ts';

const names = 'IP:127.0.0.1';

describe('the bridge with TLS', () => {
  let authority: Authority;
  let pem: NodePem;
  before(async () => {
    authority = await Authority.make();
    pem = await authority.tls('bridge', { names });
  });
  after(() => authority[Symbol.asyncDispose]());

  function start(init: FixtureInit = {}): Promise<BridgeFixture> {
    const readiness = new Readiness();
    readiness.ready();
    return BridgeFixture.start({ tls: steady({ cert: pem.cert, key: pem.key }), readiness, ...init });
  }

  /** The status of a GET by HTTP/1.1; rejects where the connection is not made. */
  function get(port: number, options: ConnectionOptions = {}): Promise<number> {
    return new Promise((resolve, reject) => {
      const asked = request(
        { host: '127.0.0.1', port, path: '/readyz', agent: false, ca: pem.ca, ...options },
        (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        },
      );
      asked.on('error', reject);
      asked.end();
    });
  }

  it('answers by HTTP/1.1 and HTTP/2 on one port', async () => {
    await using fixture = await start();
    const { httpPort } = fixture.bridge;
    assert.equal(await get(httpPort), 200);
    const session = connectHttp2(`https://127.0.0.1:${httpPort}`, { ca: pem.ca });
    const stream = session.request({ ':path': '/readyz' });
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
    assert.equal(headers[':status'], 200);
    assert.equal(session.alpnProtocol, 'h2');
    session.close();
  });

  it('carries WebSockets on both ports', async () => {
    await using fixture = await start();
    const { bridge, host } = fixture;
    for (const url of [`wss://127.0.0.1:${bridge.httpPort}/ws`, `wss://127.0.0.1:${bridge.wsPort}`]) {
      const socket = new WebSocket(url, 'parley.v1.json', { ca: pem.ca });
      await once(socket, 'open');
      socket.send('{"commands":[{"id":1,"ping":{}}]}');
      await host.next('data');
      socket.terminate();
      await once(socket, 'close');
    }
  });

  it('takes nobody who speaks in clear, and waits for no handshake for long', async () => {
    await using fixture = await start({ config: { handshakeTimeoutMs: 200 } });
    const { bridge } = fixture;
    await assert.rejects(fetch(`http://127.0.0.1:${bridge.httpPort}/`));
    assert.equal(bridge.counters.refused.tlsHandshake, 1);
    // One says nothing at all, one stops in the middle.
    const silent = connectTcp(bridge.httpPort, '127.0.0.1');
    const halfway = connectTcp(bridge.wsPort, '127.0.0.1');
    halfway.write(Buffer.from([0x16, 3, 1, 0, 200, 1]));
    for (const socket of [silent, halfway]) socket.on('error', () => {}).resume();
    await Promise.all([silent, halfway].map((socket) => once(socket, 'close')));
    assert.ok(bridge.counters.refused.tlsHandshake + bridge.counters.refused.handshakeTimeout >= 3);
  });

  it('is believed by nobody whose authority is another one', async () => {
    await using another = await Authority.make();
    const { ca } = await another.tls('somebody');
    await using fixture = await start();
    await assert.rejects(get(fixture.bridge.httpPort, { ca }), /certificate|issuer/);
  });

  it('shows a replaced certificate to whoever comes from then on, and keeps those who are there', async () => {
    await using another = await Authority.make();
    await another.sign('next', { names });
    await authority.sign('door', { names });
    const { cert, key } = authority.files('door');
    const tls = await Certificates.load({
      name: 'http',
      cert: { env: 'CERT', path: cert },
      key: { env: 'KEY', path: key },
    });
    await using fixture = await start({ tls });
    const { bridge, host } = fixture;
    const url = `wss://127.0.0.1:${bridge.wsPort}`;
    const before = new WebSocket(url, 'parley.v1.json', { ca: pem.ca });
    await once(before, 'open');
    await authority.replace('door', 'next', another);
    assert.deepEqual(await tls.reread(Date.now()), { t: 'taken' });
    await assert.rejects(get(bridge.httpPort), /certificate|issuer/);
    const { ca } = await another.tls('any');
    assert.equal(await get(bridge.httpPort, { ca }), 200);
    before.send('{"commands":[{"id":1,"ping":{}}]}');
    await host.next('data');
    assert.equal(before.readyState, WebSocket.OPEN);
    before.terminate();
    await until(
      () => bridge.counters.socketsOpen.json === 0,
      5_000,
      () => 'the socket is still counted',
    );
  });
});
