import { credentials, Metadata } from '@grpc/grpc-js';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { after, before, describe, it } from 'node:test';
import { Authority, type NodePem, steady } from '../../test/helpers/certificates.ts';
import { Certificates } from '../core/certificates.ts';
import { connect, endOf, openDoor } from './door-fixture.ts';

describe('the gRPC door with TLS', () => {
  let authority: Authority;
  let pem: NodePem;
  before(async () => {
    authority = await Authority.make();
    pem = await authority.tls('server', { names: 'IP:127.0.0.1' });
  });
  after(() => authority[Symbol.asyncDispose]());
  const ofServer = () => steady({ cert: pem.cert, key: pem.key });

  it('carries sessions', async () => {
    await using fixture = await openDoor({ tls: ofServer() });
    const stream = connect(fixture.client({}, credentials.createSsl(pem.ca)));
    fixture.sessions.onData = (session, frame) => fixture.sessions.outlet.deliver([session], frame);
    stream.write(Buffer.from('secret'));
    assert.equal(String((await once(stream, 'data'))[0]), 'secret');
    assert.deepEqual(
      [...fixture.sessions.open_.values()],
      [{ remoteAddress: '127.0.0.1', transport: 'grpc' }],
    );
    stream.cancel();
  });

  it('lets nobody in who has no certificate of the client authority, where there is one', async () => {
    await using another = await Authority.make();
    const stranger = await another.tls('client');
    const known = await authority.tls('client');
    const late = await authority.tls('late', { days: [-3, -1] });
    await using fixture = await openDoor({ tls: steady(pem) });
    const refused = [
      credentials.createSsl(pem.ca),
      credentials.createSsl(pem.ca, stranger.key, stranger.cert),
      credentials.createSsl(pem.ca, late.key, late.cert),
    ];
    for (const shown of refused) {
      const stream = connect(fixture.client({}, shown)).resume();
      assert.notEqual((await endOf(stream)).status.code, 0);
    }
    assert.deepEqual(fixture.sessions.calls, []);
    const counted = fixture.meters.counter('chat_grpc_refusals_total', '').read();
    const [, refusals] = counted.find(([{ reason }]) => reason === 'tlsHandshake') ?? [];
    assert.ok((refusals ?? 0) >= refused.length, JSON.stringify(counted));
    const stream = connect(fixture.client({}, credentials.createSsl(pem.ca, known.key, known.cert)));
    stream.write(Buffer.from('x'));
    await once(fixture.sessions, 'data');
    stream.cancel();
  });

  it('is believed by nobody whose authority is another one, or who looks for another name', async () => {
    await using another = await Authority.make();
    const foreign = await another.tls('server');
    await using fixture = await openDoor({ tls: ofServer() });
    const clients = [
      fixture.client({}, credentials.createSsl(foreign.ca)),
      fixture.client({ 'grpc.ssl_target_name_override': 'elsewhere' }, credentials.createSsl(pem.ca)),
    ];
    for (const client of clients)
      assert.match((await endOf(connect(client).resume())).status.details, /certificate|altnames/i);
    assert.deepEqual(fixture.sessions.calls, []);
  });

  it('cuts a half-open handshake', async () => {
    await using fixture = await openDoor({ tls: ofServer(), config: { handshakeMs: 200 } });
    const socket = connectTcp(fixture.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(Buffer.from([0x16, 3, 1, 0, 200, 1]));
    // This one completes the handshake, and then is silent.
    const silent = connectTls({ port: fixture.port, host: '127.0.0.1', ca: pem.ca, ALPNProtocols: ['h2'] });
    silent.on('error', () => {});
    socket.resume();
    silent.resume();
    await Promise.all([socket, silent].map((each) => new Promise((resolve) => each.once('close', resolve))));
  });

  it('shows a replaced certificate to whoever comes from then on, and keeps those who are there', async () => {
    await using another = await Authority.make();
    const names = 'IP:127.0.0.1';
    await authority.sign('door', { names });
    await another.sign('next', { names });
    const { cert, key } = authority.files('door');
    const tls = await Certificates.load({
      name: 'grpc',
      cert: { env: 'CERT', path: cert },
      key: { env: 'KEY', path: key },
    });
    await using fixture = await openDoor({ tls });
    const before = connect(fixture.client({}, credentials.createSsl(pem.ca)));
    before.write(Buffer.from('before'));
    await once(fixture.sessions, 'data');
    await authority.replace('door', 'next', another);
    assert.deepEqual(await tls.reread(Date.now()), { t: 'taken' });
    const former = connect(fixture.client({}, credentials.createSsl(pem.ca))).resume();
    assert.match((await endOf(former)).status.details, /certificate/);
    const { ca } = await another.tls('any');
    const later = connect(fixture.client({}, credentials.createSsl(ca)));
    later.write(Buffer.from('after'));
    await once(fixture.sessions, 'data');
    before.write(Buffer.from('still here'));
    await once(fixture.sessions, 'data');
    assert.equal(fixture.sessions.open_.size, 2);
    for (const stream of [before, later]) stream.cancel();
  });

  it('takes the address of a client from proxies that are trusted', async () => {
    for (const [trustedProxies, remoteAddress] of [
      [0, '127.0.0.1'],
      [1, '192.0.2.7'],
    ] as const) {
      await using fixture = await openDoor({
        tls: ofServer(),
        config: { trustedProxies, mode: 'production' },
      });
      const metadata = new Metadata();
      metadata.set('x-forwarded-for', '203.0.113.9, 192.0.2.7');
      const stream = connect(fixture.client({}, credentials.createSsl(pem.ca)), metadata);
      stream.write(Buffer.from('x'));
      await once(fixture.sessions, 'data');
      assert.equal([...fixture.sessions.open_.values()][0]?.remoteAddress, remoteAddress);
      stream.cancel();
    }
  });
});
