import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, it } from 'node:test';
import { systemClock } from '../../core/clock.ts';
import { ConfigError, loadConfig } from '../../core/config.ts';
import { silentLogger } from '../../core/log.ts';
import { ApnsService } from '../testing/apns-service.ts';
import { FcmService } from '../testing/fcm-service.ts';
import { testNotice } from '../testing/notice.ts';
import { WebPushService } from '../testing/web-push-service.ts';
import { openPushProviders } from './open-providers.ts';
import { pushProviderOptions } from './options.ts';
import { loadVapidPublicKey, makeVapidKeys, vapidKeyFile } from './vapid-keys.ts';

const authority = fileURLToPath(new URL('../../grpc/testdata/ca.pem', import.meta.url));
const device = 'ab'.repeat(32);

async function fixture() {
  const dataDir = await mkdtemp(join(tmpdir(), 'parley-providers-'));
  return {
    dataDir,
    write: async (name: string, content: string) => {
      await writeFile(join(dataDir, name), content);
      return join(dataDir, name);
    },
    open: (env: Record<string, string>, mode: 'production' | 'development' = 'production') =>
      openPushProviders({
        config: loadConfig({ providers: pushProviderOptions }, env).providers,
        mode,
        dataDir,
        clock: systemClock,
        random: Math.random,
        log: silentLogger,
      }),
    [Symbol.asyncDispose]: () => rm(dataDir, { recursive: true }),
  };
}

describe('push providers from the configuration', () => {
  it('are none in production unless configured, and Web Push in development', async () => {
    await using dir = await fixture();
    const none = await dir.open({});
    assert.deepEqual([...none.meters.keys()], []);
    const development = await dir.open({}, 'development');
    assert.deepEqual([...development.meters.keys()], ['webpush']);
    await development.close();
  });

  it('reach the services that are named, with the keys that are named', async () => {
    await using dir = await fixture();
    await using browsers = await new WebPushService().listen();
    await using google = await new FcmService().listen();
    await using apple = await new ApnsService().listen();
    apple.devices.add(device);
    google.devices.add('phone');
    const env = {
      PARLEY_PUSH_CA: authority,
      PARLEY_WEBPUSH_PRIVATE: 'true',
      PARLEY_FCM_CREDENTIALS: await dir.write('account.json', google.credentials),
      PARLEY_FCM_URL: `${google.origin}/`,
      PARLEY_APNS_KEY: await dir.write('key.p8', apple.key),
      PARLEY_APNS_KEY_ID: apple.keyId,
      PARLEY_APNS_TEAM_ID: apple.teamId,
      PARLEY_APNS_TOPIC: 'com.example.app',
      PARLEY_APNS_URL: apple.origin,
    };
    const providers = await dir.open(env, 'development');
    const { providers: config } = loadConfig({ providers: pushProviderOptions }, env);
    const publicKey = await loadVapidPublicKey(config, { mode: 'development', dataDir: dir.dataDir });
    const targets = [
      browsers.subscribe(publicKey ?? ''),
      { t: 'fcm', token: 'phone' },
      { t: 'apns', token: device, environment: 'production' },
    ] as const;
    for (const target of targets) {
      assert.deepEqual(await providers.send(target, testNotice()), { t: 'sent' }, target.t);
    }
    assert.deepEqual([browsers.taken.length, google.taken.length, apple.taken.length], [1, 1, 1]);
    await providers.close();
  });

  it('stop the start where anything is wrong, and name all of it', async () => {
    await using dir = await fixture();
    const google = new FcmService();
    const account = JSON.parse(google.credentials) as Record<string, string>;
    const weak = generateKeyPairSync('rsa', { modulusLength: 1_024 }).privateKey;
    const pem = (key: typeof weak) => key.export({ format: 'pem', type: 'pkcs8' }).toString();
    const otherCurve = pem(generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey);
    const vapid = await dir.write('vapid.json', vapidKeyFile(makeVapidKeys()));
    let files = 0;
    const credentials = async (change: object) => ({
      PARLEY_FCM_CREDENTIALS: await dir.write(`${files++}.json`, JSON.stringify({ ...account, ...change })),
    });
    const apns = {
      PARLEY_APNS_KEY: await dir.write('key.p8', new ApnsService().key),
      PARLEY_APNS_KEY_ID: 'ABC123DEFG',
      PARLEY_APNS_TEAM_ID: 'TEAM123456',
      PARLEY_APNS_TOPIC: 'com.example.app',
    };
    const sound = { token_uri: 'https://oauth.example/token' };
    const cases: readonly (readonly [Record<string, string>, RegExp])[] = [
      [{ PARLEY_VAPID_KEYS: vapid }, /^PARLEY_VAPID_SUBJECT must be set/],
      [{ PARLEY_VAPID_SUBJECT: 'me@example.com' }, /^PARLEY_VAPID_SUBJECT must be a mailto: or https: URL/],
      [{ PARLEY_WEBPUSH_PRIVATE: 'true' }, /^PARLEY_WEBPUSH_PRIVATE must not be set in production/],
      [{ PARLEY_WEBPUSH_HOSTS: 'https://push.example' }, /^PARLEY_WEBPUSH_HOSTS must be/],
      [{ PARLEY_PUSH_CA: '/nowhere.pem' }, /^PARLEY_PUSH_CA must name a readable file/],
      [{ PARLEY_PUSH_CA: vapid }, /^PARLEY_PUSH_CA /],
      [{ PARLEY_FCM_CREDENTIALS: '/nowhere.json' }, /^PARLEY_FCM_CREDENTIALS .*ENOENT/],
      [{ PARLEY_FCM_CREDENTIALS: apns.PARLEY_APNS_KEY }, /^PARLEY_FCM_CREDENTIALS .*is no JSON/],
      [await credentials({ ...sound, type: 'authorized_user', project_id: '../x' }), /: type, project_id$/],
      [{ PARLEY_FCM_URL: 'http://127.0.0.1' }, /^PARLEY_FCM_URL must be an https URL without a path/],
      [{ PARLEY_APNS_URL: 'https://push.example/3' }, /^PARLEY_APNS_URL must be an https URL without a path/],
      [{ ...apns, PARLEY_APNS_TOPIC: '' }, /^PARLEY_APNS_TOPIC must be set: APNs needs all four/],
      [{ ...apns, PARLEY_APNS_KEY: '' }, /^PARLEY_APNS_KEY must be set/],
      [{ ...apns, PARLEY_APNS_KEY_ID: 'abc' }, /^PARLEY_APNS_KEY_ID must be 10 capital letters/],
      [{ ...apns, PARLEY_APNS_KEY: vapid }, /^PARLEY_APNS_KEY .*must hold a private key of P-256/],
      [{ ...apns, PARLEY_APNS_KEY: await dir.write('p384', otherCurve) }, /^PARLEY_APNS_KEY .*of P-256/],
      [
        { PARLEY_VAPID_KEYS: vapid, PARLEY_APNS_TOPIC: 'com.example.app' },
        /^PARLEY_VAPID_SUBJECT .*\nPARLEY_APNS_KEY .*\nPARLEY_APNS_KEY_ID .*\nPARLEY_APNS_TEAM_ID /,
      ],
    ];
    for (const [env, expected] of cases) {
      const open = async () => dir.open(env);
      await assert.rejects(open, (error: unknown) => {
        assert.ok(error instanceof ConfigError, String(error));
        assert.match(error.message, expected);
        assert.ok(!error.message.includes('BEGIN'), 'a key is shown');
        return true;
      });
    }
    for (const private_key of [pem(weak), 'nonsense', otherCurve]) {
      const env = await credentials({ ...sound, private_key });
      await assert.rejects(dir.open(env), /private_key must be an RSA key of at least 2048 bits/);
    }
    await assert.rejects(dir.open(await credentials({ token_uri: 'http://oauth.example' })), /: token_uri$/);
    const opened = await dir.open({ ...(await credentials(sound)), ...apns });
    assert.deepEqual([...opened.meters.keys()], ['fcm', 'apns']);
    await opened.close();
  });
});
