import { credentials } from '@grpc/grpc-js';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { test } from 'node:test';
import { ConfigError } from '../core/config.ts';
import { loadCredentials } from './credentials.ts';
import { connect, endOf, openDoor } from './door-fixture.ts';

const file = (name: string) => new URL(`testdata/${name}`, import.meta.url).pathname;
const read = (name: string) => readFile(file(name));
const tls = { tlsCert: file('server.pem'), tlsKey: file('server.key') };
/** TLS has no names for addresses. */
const named = { 'grpc.ssl_target_name_override': 'localhost' };
const none = { tlsCert: undefined, tlsKey: undefined, tlsClientCa: undefined };

test('sessions over TLS', async () => {
  await using fixture = await openDoor({ config: tls });
  const stream = connect(fixture.client(named, credentials.createSsl(await read('ca.pem'))));
  fixture.sessions.onData = (session, frame) => fixture.sessions.outlet.deliver([session], frame);
  stream.write(Buffer.from('secret'));
  assert.equal(String((await once(stream, 'data'))[0]), 'secret');
  stream.cancel();
});

test('with a client CA, clients without its certificate get nowhere', async () => {
  await using fixture = await openDoor({ config: { ...tls, tlsClientCa: file('ca.pem') } });
  const [ca, key, cert] = (await Promise.all(['ca.pem', 'client.key', 'client.pem'].map(read))) as [
    Buffer,
    Buffer,
    Buffer,
  ];
  const anonymous = connect(fixture.client(named, credentials.createSsl(ca))).resume();
  assert.notEqual((await endOf(anonymous)).status.code, 0);
  assert.deepEqual(fixture.sessions.calls, []);
  const known = connect(fixture.client(named, credentials.createSsl(ca, key, cert)));
  known.write(Buffer.from('x'));
  await once(fixture.sessions, 'data');
  known.cancel();
});

test('a half-open TLS handshake is cut', async () => {
  await using fixture = await openDoor({ config: { ...tls, handshakeMs: 200 } });
  const socket = connectTcp(fixture.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(Buffer.from([0x16, 3, 1, 0, 200, 1]));
  // This one completes the handshake, and then is silent.
  const silent = connectTls({
    port: fixture.port,
    host: '127.0.0.1',
    servername: 'localhost',
    ca: await read('ca.pem'),
    ALPNProtocols: ['h2'],
  });
  silent.on('error', () => {});
  socket.resume();
  silent.resume();
  await Promise.all([socket, silent].map((each) => new Promise((resolve) => each.once('close', resolve))));
});

test('half a configuration, or a missing file, stops the start', async () => {
  const refuses = (config: Partial<typeof none> | object, message: RegExp) =>
    assert.rejects(
      loadCredentials({ ...none, ...config }),
      (error) => error instanceof ConfigError && message.test(error.message),
    );
  await refuses(
    { tlsCert: tls.tlsCert },
    /PARLEY_GRPC_TLS_CERT and PARLEY_GRPC_TLS_KEY must be set together/,
  );
  await refuses({ tlsClientCa: file('ca.pem') }, /PARLEY_GRPC_TLS_CLIENT_CA needs/);
  await refuses({ ...tls, tlsKey: file('nothing.key') }, /PARLEY_GRPC_TLS_KEY must name a readable file/);
});
