import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ConfigError, loadConfig } from '../core/config.ts';
import { authOptions, loadTokenSecrets } from './token-secrets.ts';

async function directory() {
  const path = await mkdtemp(join(tmpdir(), 'parley-secrets-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

test('production does not start without a secret', async () => {
  await using dir = await directory();
  await assert.rejects(
    loadTokenSecrets({ mode: 'production', secrets: [], dataDir: dir.path }),
    (error) => error instanceof ConfigError && /^PARLEY_TOKEN_SECRET must be set/.test(error.message),
  );
  assert.deepEqual(await readdir(dir.path), []);
});

test('configured secrets are taken as they are', async () => {
  const secrets = ['1'.repeat(32), '2'.repeat(32)];
  const config = loadConfig({ auth: authOptions }, { PARLEY_TOKEN_SECRET: secrets.join(',') });
  const dataDir = '/nowhere';
  assert.deepEqual(await loadTokenSecrets({ mode: 'production', ...config.auth, dataDir }), secrets);
  assert.throws(
    () => loadConfig({ auth: authOptions }, { PARLEY_TOKEN_SECRET: 'too short' }),
    (error) => error instanceof ConfigError && !error.message.includes('too short'),
  );
});

test('development makes one up, once, for its owner alone', async () => {
  await using dir = await directory();
  const config = { mode: 'development', secrets: [], dataDir: join(dir.path, 'new') } as const;
  const all = await Promise.all(Array.from({ length: 20 }, () => loadTokenSecrets(config)));
  assert.equal(new Set(all.map(([secret]) => secret)).size, 1);
  assert.ok(all[0] && all[0][0].length >= 32);
  assert.deepEqual(await readdir(config.dataDir), ['token.secret']);
  assert.equal((await stat(join(config.dataDir, 'token.secret'))).mode & 0o777, 0o600);
});

test('a damaged file is refused, not trusted', async () => {
  await using dir = await directory();
  await writeFile(join(dir.path, 'token.secret'), 'short\n');
  await assert.rejects(
    loadTokenSecrets({ mode: 'development', secrets: [], dataDir: dir.path }),
    ConfigError,
  );
});
