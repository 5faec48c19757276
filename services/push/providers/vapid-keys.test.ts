import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ConfigError } from '../../core/config.ts';
import { loadVapidKeys, loadVapidPublicKey, makeVapidKeys, vapidKeyFile } from './vapid-keys.ts';

const none = { vapidKeys: '', vapidPublicKey: '', vapidPrivateKey: '' };

async function directory() {
  const dataDir = await mkdtemp(join(tmpdir(), 'parley-vapid-'));
  return {
    production: { mode: 'production' as const, dataDir },
    development: { mode: 'development' as const, dataDir: join(dataDir, 'data') },
    write: async (content: string) => {
      const path = join(dataDir, 'keys.json');
      await writeFile(path, content);
      return path;
    },
    [Symbol.asyncDispose]: () => rm(dataDir, { recursive: true }),
  };
}

async function problem(of: Promise<unknown>): Promise<string> {
  const error = await of.then(
    () => assert.fail('it was taken'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ConfigError);
  return error.message;
}

describe('the keys of Web Push', () => {
  it('come from a file, or from variables, where the public one need not be told', async () => {
    await using dir = await directory();
    const keys = makeVapidKeys();
    const vapidKeys = await dir.write(vapidKeyFile(keys));
    assert.deepEqual(await loadVapidKeys({ ...none, vapidKeys }, dir.production), keys);
    const both = { ...none, vapidPublicKey: keys.publicKey, vapidPrivateKey: keys.privateKey };
    assert.deepEqual(await loadVapidKeys(both, dir.production), keys);
    const alone = { ...none, vapidPrivateKey: keys.privateKey };
    assert.deepEqual(await loadVapidKeys(alone, dir.production), keys);
    assert.equal(await loadVapidPublicKey(alone, dir.production), keys.publicKey);
  });

  it('are not there in production unless somebody puts them there', async () => {
    await using dir = await directory();
    assert.equal(await loadVapidKeys(none, dir.production), undefined);
    assert.equal(await loadVapidPublicKey(none, dir.production), undefined);
  });

  it('are made once in development, for its owner alone', async () => {
    await using dir = await directory();
    const [first, second] = await Promise.all([
      loadVapidKeys(none, dir.development),
      loadVapidKeys(none, dir.development),
    ]);
    assert.deepEqual(first, second);
    assert.deepEqual(await loadVapidKeys(none, dir.development), first);
    const path = join(dir.development.dataDir, 'vapid.json');
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.deepEqual(JSON.parse(await readFile(path, 'utf8')), first);
  });

  it('need not both be there where only the public one is told', async () => {
    await using dir = await directory();
    const { publicKey } = makeVapidKeys();
    const config = { ...none, vapidPublicKey: publicKey };
    for (const where of [dir.production, dir.development]) {
      assert.equal(await loadVapidPublicKey(config, where), publicKey);
      assert.equal(await loadVapidKeys(config, where), undefined);
    }
    const short = { ...none, vapidPublicKey: publicKey.slice(2) };
    assert.match(
      await problem(loadVapidPublicKey(short, dir.production)),
      /^PARLEY_VAPID_PUBLIC_KEY must be/,
    );
  });

  it('stop the start where anything is wrong with them, and are not shown', async () => {
    await using dir = await directory();
    const { publicKey, privateKey } = makeVapidKeys();
    const other = makeVapidKeys();
    const files: readonly (readonly [string, RegExp])[] = [
      [`nonsense ${privateKey}`, /is no JSON/],
      ['null', /must hold the texts publicKey and privateKey/],
      [JSON.stringify({ publicKey }), /must hold the texts/],
      [JSON.stringify({ publicKey, privateKey: 7 }), /must hold the texts/],
      [vapidKeyFile({ publicKey: other.publicKey, privateKey }), /the public key is not the private one's/],
      [vapidKeyFile({ publicKey, privateKey: privateKey.slice(1) }), /the private key must be/],
      [vapidKeyFile({ publicKey, privateKey: `${privateKey}\n` }), /the private key must be/],
      [
        vapidKeyFile({ publicKey, privateKey: Buffer.alloc(32).toString('base64url') }),
        /the private key must be/,
      ],
      [vapidKeyFile({ publicKey, privateKey: Buffer.alloc(32, 255).toString('base64url') }), /must be/],
    ];
    for (const [content, expected] of files) {
      const vapidKeys = await dir.write(content);
      const words = await problem(loadVapidKeys({ ...none, vapidKeys }, dir.production));
      assert.match(words, expected);
      assert.ok(words.startsWith('PARLEY_VAPID_KEYS (') && !words.includes(privateKey.slice(1)), words);
    }
    const away = { ...none, vapidKeys: join(dir.production.dataDir, 'away.json') };
    assert.match(await problem(loadVapidKeys(away, dir.production)), /^PARLEY_VAPID_KEYS .*ENOENT/);
    const twice = { ...away, vapidPrivateKey: privateKey };
    assert.match(await problem(loadVapidKeys(twice, dir.production)), /must not be set beside/);
    const wrong = { ...none, vapidPrivateKey: privateKey, vapidPublicKey: other.publicKey };
    assert.match(
      await problem(loadVapidKeys(wrong, dir.production)),
      /^PARLEY_VAPID_PRIVATE_KEY: the public/,
    );
  });
});
