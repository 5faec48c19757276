import assert from 'node:assert/strict';
import { copyFile } from 'node:fs/promises';
import { test } from 'node:test';
import { freePort } from '../../../test/engines/free-port.ts';
import { RedisSentinel } from '../../../test/engines/redis-sentinel.ts';
import { RedisServer } from '../../../test/engines/redis-server.ts';
import { Authority } from '../../../test/helpers/certificates.ts';
import { systemClock } from '../../core/clock.ts';
import { ConfigError } from '../../core/config.ts';
import type { UserId } from '../../core/ids.ts';
import { silentLogger } from '../../core/log.ts';
import { RedisDirectory } from './redis-directory.ts';
import { config, openDirectory, reached } from './testing/open-directory.ts';

const names = 'IP:127.0.0.1';

test('a Redis with a certificate is believed by the authorities in a file, as the file is at that time', async () => {
  await using authority = await Authority.make();
  await using another = await Authority.make();
  await authority.sign('redis', { names });
  await another.sign('redis', { names });
  const tlsPort = await freePort();
  const { cert, key, ca } = authority.files('redis');
  const secured = ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', ca];
  await using redis = await RedisServer.start({
    settings: ['--tls-port', `${tlsPort}`, '--tls-auth-clients', 'no', ...secured],
  });
  const url = `rediss://127.0.0.1:${tlsPort}`;
  const stranger = new RedisDirectory({
    config: config(url, { caFile: another.files('ca').ca }),
    clock: systemClock,
    random: Math.random,
    log: silentLogger,
  });
  assert.equal(await stranger.reached(500), false);
  await stranger.close();
  const directory = await openDirectory(config(url, { caFile: ca }));
  try {
    assert.deepEqual(await directory.sessions.count(['ann' as UserId]), [0]);
    // The authority of before is gone, at both ends.
    await authority.replace('redis', 'redis', another);
    await copyFile(another.files('ca').ca, ca);
    await redis.restart();
    await reached(directory);
  } finally {
    await directory.close();
  }
});

test('a cluster is found by the name that its certificate has', async () => {
  await using authority = await Authority.make();
  await authority.sign('redis', { names: 'DNS:localhost' });
  const [tlsPort, busPort] = [await freePort(), await freePort()];
  const { cert, key, ca } = authority.files('redis');
  await using redis = await RedisServer.start({
    settings: [
      ...['--tls-port', `${tlsPort}`, '--tls-auth-clients', 'no', '--tls-cluster', 'yes'],
      ...['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', ca],
      ...['--cluster-enabled', 'yes', '--cluster-port', `${busPort}`],
      ...['--cluster-announce-hostname', 'localhost', '--cluster-preferred-endpoint-type', 'hostname'],
    ],
  });
  await redis.ask('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
  const directory = await openDirectory(config(`rediss+cluster://localhost:${tlsPort}`, { caFile: ca }));
  try {
    await reached(directory);
  } finally {
    await directory.close();
  }
});

test('sentinels are asked by TLS, too, where it is not said that they speak none', async () => {
  await using authority = await Authority.make();
  await authority.sign('redis', { names });
  await using sentinel = await RedisSentinel.start({ tls: authority.files('redis') });
  const { ca: caFile } = authority.files('redis');
  const plain = `rediss+sentinel://127.0.0.1:${sentinel.port}/${sentinel.name}`;
  for (const configured of [
    config(sentinel.url, { caFile }),
    config(plain, { caFile, sentinelTls: 'off' }),
  ]) {
    const directory = await openDirectory(configured);
    try {
      await reached(directory);
    } finally {
      await directory.close();
    }
  }
});

test('a file of authorities that is not there, or of no use, stops the start', async () => {
  const open = (url: string, caFile: string) => () =>
    new RedisDirectory({
      config: config(url, { caFile }),
      clock: systemClock,
      random: Math.random,
      log: silentLogger,
    });
  const refusal = (words: RegExp) => (error: unknown) =>
    error instanceof ConfigError && words.test(error.message);
  assert.throws(open('rediss://127.0.0.1:1', '/nowhere'), refusal(/PARLEY_REDIS_CA_FILE must name/));
  assert.throws(open('redis://127.0.0.1:1', '/nowhere'), refusal(/PARLEY_REDIS_CA_FILE needs TLS/));
});
