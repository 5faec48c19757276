import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Authority } from '../../test/helpers/certificates.ts';
import { ConfigError } from './config.ts';
import { loadDoorTls } from './door-tls.ts';

const none = { name: 'grpc', prefix: 'PARLEY_GRPC_TLS', cert: undefined, key: undefined };

test('half a configuration, or a missing file, stops the start', async () => {
  await using authority = await Authority.make();
  await authority.sign('door');
  const { cert, key, ca } = authority.files('door');
  const refuses = (files: object, message: RegExp) =>
    assert.rejects(
      loadDoorTls({ ...none, ...files }),
      (error) => error instanceof ConfigError && message.test(error.message),
    );
  await refuses({ cert }, /PARLEY_GRPC_TLS_CERT and PARLEY_GRPC_TLS_KEY must be set together/);
  await refuses({ key }, /must be set together/);
  await refuses({ clientCa: ca }, /PARLEY_GRPC_TLS_CLIENT_CA needs/);
  await refuses({ cert, key: `${key}.none` }, /PARLEY_GRPC_TLS_KEY must name a readable file/);
  assert.equal(await loadDoorTls(none), undefined);
  assert.deepEqual(Object.keys((await loadDoorTls({ ...none, cert, key }))?.current ?? {}), ['cert', 'key']);
  const mutual = await loadDoorTls({ ...none, cert, key, clientCa: ca });
  assert.match(String(mutual?.current.ca), /BEGIN CERTIFICATE/);
});
