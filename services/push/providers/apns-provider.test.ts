import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { constants } from 'node:http2';
import { describe, it } from 'node:test';
import { silentLogger } from '../../core/log.ts';
import type { ApnsTarget } from '../../ports/push-target.ts';
import type { PushOutcome } from '../provider.ts';
import { ApnsService } from '../testing/apns-service.ts';
import { testAuthority } from '../testing/h2-service.ts';
import { testNotice } from '../testing/notice.ts';
import { takeApart } from '../testing/signed.ts';
import { TurnedClock } from '../testing/turned-clock.ts';
import { apnsOutcome, ApnsProvider, type ApnsInit } from './apns-provider.ts';
import { until } from '../../../test/e2e/support/until.ts';

const ca = await testAuthority();
const device = 'ab'.repeat(32);

async function fixture(change: Partial<ApnsInit> = {}, timeoutMs = 20_000) {
  const service = await new ApnsService().listen();
  const sandbox = await new ApnsService().listen();
  service.devices.add(device);
  const clock = new TurnedClock();
  const provider = new ApnsProvider({
    key: createPrivateKey(service.key),
    keyId: service.keyId,
    teamId: service.teamId,
    topic: 'com.example.app',
    hiddenText: 'New message',
    origins: { production: service.origin, sandbox: sandbox.origin },
    clock,
    line: {
      ca,
      inFlight: 100,
      mostWaiting: 100,
      timeoutMs,
      pingIntervalMs: 60_000,
      pingTimeoutMs: 10_000,
      backoff: { firstMs: 60_000, maxMs: 60_000 },
      clock,
      random: () => 0,
      log: silentLogger,
    },
    ...change,
  });
  const send = (notice = testNotice(), target: Partial<ApnsTarget> = {}) =>
    provider.send({ t: 'apns', token: device, environment: 'production', ...target }, notice);
  return {
    service,
    sandbox,
    provider,
    clock,
    send,
    [Symbol.asyncDispose]: async () => {
      await provider.close();
      await Promise.all([service.down(), sandbox.down()]);
    },
  };
}

/** The tokens that requests came with, in order. */
function tokens({ requests }: ApnsService): string[] {
  return requests.map(({ headers }) => headers['authorization'] ?? '');
}

describe('APNs', () => {
  it('is told what to show, for how long, and in whose place', async () => {
    await using to = await fixture();
    const sentAt = Date.now() / 1_000;
    assert.deepEqual(await to.send(testNotice({ ttlSeconds: 600 })), { t: 'sent' });
    const [push] = to.service.taken;
    assert.ok(push);
    assert.deepEqual(push.payload, {
      conv_id: 'group_123',
      seq: '42',
      kind: 'message',
      notice_id: 'n_0001',
      aps: {
        alert: { title: 'Ada', body: 'Are you there?' },
        badge: 3,
        sound: 'default',
        'thread-id': 'group_123',
        'mutable-content': 1,
      },
    });
    assert.equal(push.headers['apns-topic'], 'com.example.app');
    assert.equal(push.headers['apns-push-type'], 'alert');
    assert.equal(push.headers['apns-priority'], '10');
    const left = Number(push.headers['apns-expiration']) - sentAt;
    assert.ok(left >= 599 && left < 660, String(left));
  });

  it('knows the same notice by its id, and another of the same conversation by its place', async () => {
    await using to = await fixture();
    const notices = [
      testNotice(),
      testNotice(),
      testNotice({ id: 'n_0002' }),
      testNotice({ collapseKey: 'ü'.repeat(64) }),
    ];
    for (const notice of notices) assert.equal((await to.send(notice)).t, 'sent');
    const column = (name: string) => to.service.taken.map(({ headers }) => headers[name]);
    const [a, b, c] = column('apns-id');
    assert.ok(a === b && b !== c);
    const [own, same, still, other] = column('apns-collapse-id');
    assert.ok(own === same && same === still && still !== other);
  });

  it('is asked to show words of the server’s where content is hidden', async () => {
    await using to = await fixture();
    await to.send(testNotice({ title: undefined, body: undefined, urgency: 'normal', ttlSeconds: 0 }));
    const [push] = to.service.taken;
    assert.ok(push);
    assert.deepEqual((push.payload['aps'] as { alert: unknown }).alert, { body: 'New message' });
    assert.equal(push.headers['apns-priority'], '5');
    assert.equal(push.headers['apns-expiration'], '0');
  });

  it('takes long texts, shortened to what there is room for', async () => {
    await using to = await fixture();
    const family = '👩‍👩‍👧‍👦';
    assert.deepEqual(await to.send(testNotice({ body: family.repeat(1_000) })), { t: 'sent' });
    const [{ body: sent } = { body: Buffer.alloc(0) }] = to.service.requests;
    assert.ok(sent.byteLength <= 4_096 && sent.byteLength > 4_096 - 2 * Buffer.byteLength(family));
    const [push] = to.service.taken;
    assert.ok(push);
    const { alert } = push.payload['aps'] as { alert: { body: string } };
    assert.equal(alert.body, `${family.repeat((alert.body.length - 1) / family.length)}…`);
    const huge = testNotice({ data: { conv_id: 'x'.repeat(4_096) } });
    assert.deepEqual(await to.send(huge), { t: 'rejected', reason: 'larger than a push may be' });
  });

  it('goes to the environment and the app that the device says', async () => {
    await using to = await fixture();
    to.sandbox.devices.add(device);
    // The sandbox of a test has a key of its own; what it refuses has come to the right place.
    const inSandbox = await to.send(testNotice(), { environment: 'sandbox' });
    assert.deepEqual(inSandbox, { t: 'rejected', reason: 'InvalidProviderToken' });
    assert.deepEqual([to.service.requests.length, to.sandbox.requests.length], [0, 1]);
    to.service.topics.add('com.example.other');
    await to.send(testNotice(), { topic: 'com.example.other' });
    assert.equal(to.service.taken[0]?.headers['apns-topic'], 'com.example.other');
    const foreign = await to.send(testNotice(), { topic: 'com.example.foreign' });
    assert.deepEqual(foreign, { t: 'rejected', reason: 'TopicDisallowed' });
  });

  it('says which devices are gone, and since when', async () => {
    await using to = await fixture();
    const stranger = 'cd'.repeat(32);
    assert.deepEqual(await to.send(testNotice(), { token: stranger }), {
      t: 'gone',
      reason: 'BadDeviceToken',
    });
    to.service.unregistered.set(stranger, 1_700_000_000_000);
    assert.deepEqual(await to.send(testNotice(), { token: stranger }), {
      t: 'gone',
      reason: 'Unregistered',
      sinceMs: 1_700_000_000_000,
    });
    const before = to.service.requests.length;
    assert.equal((await to.send(testNotice(), { token: '../../x' })).t, 'gone');
    assert.equal(to.service.requests.length, before);
  });

  it('is shown one token for 45 minutes, and then another', async () => {
    await using to = await fixture();
    await to.send();
    to.clock.aheadMs = 44 * 60_000;
    await to.send();
    to.service.aheadSeconds = 46 * 60;
    to.clock.aheadMs = 46 * 60_000;
    assert.equal((await to.send()).t, 'sent');
    const [first, second, third] = tokens(to.service);
    assert.ok(first === second && second !== third);
    const claims = takeApart((third ?? '').replace('bearer ', ''))?.claims;
    assert.deepEqual(Object.keys(claims ?? {}).sort(), ['iat', 'iss']);
  });

  it('is shown another token when it finds one too old, once for all who hear it', async () => {
    await using to = await fixture();
    await to.send();
    // The service's clock is ahead of ours: it finds the token older than an hour while it still is good here.
    to.service.aheadSeconds = 3_700;
    to.clock.aheadMs = 30 * 60_000;
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => to.send()));
    assert.deepEqual(
      outcomes,
      outcomes.map(() => ({ t: 'sent' })),
    );
    assert.equal(new Set(tokens(to.service)).size, 2);
    assert.equal(to.service.requests.length, 21);
  });

  it('is not flooded with tokens where clocks disagree', async () => {
    await using to = await fixture();
    to.service.aheadSeconds = 4_000;
    const expected: PushOutcome = { t: 'retry', reason: 'ExpiredProviderToken' };
    for (let i = 0; i < 3; i += 1) assert.deepEqual(await to.send(), expected);
    assert.equal(new Set(tokens(to.service)).size, 1);
    assert.equal(to.service.requests.length, 3);
  });

  it('signs anew when the clock is set back', async () => {
    await using to = await fixture();
    to.clock.aheadMs = 600_000;
    await to.send();
    to.clock.aheadMs = 0;
    assert.equal((await to.send()).t, 'sent');
    assert.equal(new Set(tokens(to.service)).size, 2);
  });

  it('may say goodbye at any time: nothing is lost but time', async () => {
    await using to = await fixture();
    let goodbyes = 3;
    to.service.behave = (_, nth) => {
      // In the middle of a burst, with this one and those after it under way.
      if (nth % 10 === 5 && goodbyes-- > 0)
        to.service.goodbye(constants.NGHTTP2_NO_ERROR, 2 * (nth % 10) - 1);
      return undefined;
    };
    const outcomes = await Promise.all(
      Array.from({ length: 40 }, (_, i) => to.send(testNotice({ id: `n${i}` }))),
    );
    assert.deepEqual(
      outcomes,
      outcomes.map(() => ({ t: 'sent' })),
    );
    assert.equal(new Set(to.service.taken.map(({ payload }) => payload['notice_id'])).size, 40);
    assert.ok(to.service.connections > 1);
    assert.ok(goodbyes < 3);
  });

  it('is tried again later when it fails, hangs or is away', async () => {
    await using to = await fixture({}, 1_500);
    to.service.behave = () => 'hang';
    assert.deepEqual(await to.send(), { t: 'retry', reason: 'no answer within 1500 ms' });
    to.service.behave = () => 'reset';
    assert.equal((await to.send()).t, 'retry');
    to.service.behave = () => ({
      status: 503,
      headers: { 'retry-after': '7' },
      body: '{"reason":"Shutdown"}',
    });
    assert.deepEqual(await to.send(), { t: 'retry', reason: 'Shutdown', afterMs: 7_000 });
    await to.service.down();
    await until(
      async () => (await to.send()).t === 'retry' && (await to.send()).t === 'retry',
      () => 'not to be tried again',
    );
    await to.provider.close();
    assert.deepEqual(await to.send(), { t: 'retry', reason: 'closed' });
  });
});

it('what APNs answers is taken as Apple means it', () => {
  const cases: readonly (readonly [number, string, PushOutcome])[] = [
    [200, '', { t: 'sent' }],
    [400, '{"reason":"BadDeviceToken"}', { t: 'gone', reason: 'BadDeviceToken' }],
    [400, '{"reason":"DeviceTokenNotForTopic"}', { t: 'rejected', reason: 'DeviceTokenNotForTopic' }],
    [400, '{"reason":"BadTopic"}', { t: 'rejected', reason: 'BadTopic' }],
    [400, '{"reason":"IdleTimeout"}', { t: 'retry', reason: 'IdleTimeout' }],
    [403, '{"reason":"InvalidProviderToken"}', { t: 'rejected', reason: 'InvalidProviderToken' }],
    [403, '{"reason":"ExpiredProviderToken"}', { t: 'retry', reason: 'ExpiredProviderToken' }],
    [404, '{"reason":"BadPath"}', { t: 'rejected', reason: 'BadPath' }],
    [410, '{"reason":"Unregistered","timestamp":12}', { t: 'gone', reason: 'Unregistered', sinceMs: 12 }],
    [410, '{"reason":"ExpiredToken","timestamp":"12"}', { t: 'gone', reason: 'ExpiredToken' }],
    [410, 'nonsense', { t: 'gone', reason: 'status 410' }],
    [413, '{"reason":"PayloadTooLarge"}', { t: 'rejected', reason: 'PayloadTooLarge' }],
    [429, '{"reason":"TooManyRequests"}', { t: 'retry', reason: 'TooManyRequests' }],
    [429, '{"reason":"TooManyProviderTokenUpdates"}', { t: 'retry', reason: 'TooManyProviderTokenUpdates' }],
    [500, '{"reason":"InternalServerError"}', { t: 'retry', reason: 'InternalServerError' }],
    [503, '', { t: 'retry', reason: 'status 503' }],
    // What comes from elsewhere than Apple, or is no word.
    [502, '<html>', { t: 'retry', reason: 'status 502' }],
    [400, '{"reason":"a b\\n"}', { t: 'rejected', reason: 'status 400' }],
    [400, '{"reason":{"x":1}}', { t: 'rejected', reason: 'status 400' }],
    [400, 'null', { t: 'rejected', reason: 'status 400' }],
    [302, '', { t: 'rejected', reason: 'status 302' }],
  ];
  for (const [status, body, expected] of cases) {
    assert.deepEqual(apnsOutcome({ t: 'answered', status, retryAfter: undefined, body }, 0), expected, body);
  }
});
