import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { silentLogger } from '../../core/log.ts';
import type { PushOutcome } from '../provider.ts';
import { FcmService } from '../testing/fcm-service.ts';
import { type Reply, type ServiceRequest, testAuthority } from '../testing/h2-service.ts';
import { testNotice } from '../testing/notice.ts';
import { TurnedClock } from '../testing/turned-clock.ts';
import { fcmOutcome, FcmProvider } from './fcm-provider.ts';
import { readServiceAccount } from './service-account.ts';
import { until } from '../../../test/e2e/support/until.ts';

const ca = await testAuthority();
const device = 'dGVzdA:APA91b-x_y';

async function fixture(timeoutMs = 20_000) {
  const service = await new FcmService().listen();
  service.devices.add(device);
  const dir = await mkdtemp(join(tmpdir(), 'parley-fcm-'));
  const path = join(dir, 'account.json');
  await writeFile(path, service.credentials);
  const clock = new TurnedClock();
  const parts = { ca, timeoutMs, clock, random: () => 0, log: silentLogger };
  const provider = new FcmProvider({
    ...parts,
    account: await readServiceAccount(path),
    origin: service.origin,
    hiddenText: 'New message',
    line: {
      ...parts,
      inFlight: 100,
      mostWaiting: 100,
      pingIntervalMs: 60_000,
      pingTimeoutMs: 10_000,
      backoff: { firstMs: 60_000, maxMs: 60_000 },
    },
  });
  /** Replies to requests for tokens in place of the service. */
  const instead = (grant: Reply | undefined): void => {
    service.behave = ({ path: at }) => (at === '/token' ? grant : undefined);
  };
  return {
    service,
    provider,
    instead,
    /** Turns all clocks. */
    turn: (aheadSeconds: number) => {
      clock.aheadMs = aheadSeconds * 1_000;
      service.aheadSeconds = aheadSeconds;
    },
    send: (notice = testNotice(), token = device) => provider.send({ t: 'fcm', token }, notice),
    [Symbol.asyncDispose]: async () => {
      await provider.close();
      await service.down();
      await rm(dir, { recursive: true });
    },
  };
}

function pushes({ requests }: FcmService): ServiceRequest[] {
  return requests.filter(({ path }) => path !== '/token');
}

describe('FCM', () => {
  it('is told what to show on each kind of device', async () => {
    await using to = await fixture();
    const sentAt = Date.now() / 1_000;
    assert.deepEqual(await to.send(), { t: 'sent' });
    const [push] = to.service.taken;
    assert.ok(push);
    assert.equal(push.token, device);
    assert.deepEqual(push.notification, { title: 'Ada', body: 'Are you there?' });
    const named = { notice_id: 'n_0001', badge: '3', tag: 'group_123' };
    assert.deepEqual(push.data, { conv_id: 'group_123', seq: '42', kind: 'message', ...named });
    const { collapse_key: name, ...android } = push.android;
    assert.match(String(name), /^[\w-]{32}$/);
    assert.deepEqual(android, {
      priority: 'HIGH',
      ttl: '600s',
      notification: { tag: 'group_123', notification_count: 3 },
    });
    assert.deepEqual(push.webpush, {
      headers: { TTL: '600', Urgency: 'high', Topic: name },
      notification: { tag: 'group_123' },
    });
    const { headers, payload } = push.apns as Record<string, Record<string, string>>;
    const { 'apns-expiration': expiration, ...others } = headers ?? {};
    assert.deepEqual(others, { 'apns-push-type': 'alert', 'apns-priority': '10', 'apns-collapse-id': name });
    assert.ok(Number(expiration) - sentAt >= 599 && Number(expiration) - sentAt < 660);
    const aps = { badge: 3, sound: 'default', 'thread-id': 'group_123', 'mutable-content': 1 };
    assert.deepEqual(payload, { aps });
  });

  it('wakes the app with data alone where content is hidden', async () => {
    await using to = await fixture();
    await to.send(testNotice({ title: undefined, body: undefined, urgency: 'normal' }));
    const [push] = to.service.taken;
    assert.ok(push);
    assert.equal(push.notification, undefined);
    assert.equal(push.android['notification'], undefined);
    assert.equal(push.webpush['notification'], undefined);
    assert.equal(push.android['priority'], 'NORMAL');
    const { payload } = push.apns as { payload: { aps: { alert: unknown } } };
    assert.deepEqual(payload.aps.alert, { body: 'New message' });
  });

  it('takes long texts, shortened to what there is room for', async () => {
    await using to = await fixture();
    assert.deepEqual(await to.send(testNotice({ body: '"é'.repeat(4_000) })), { t: 'sent' });
    assert.match(to.service.taken[0]?.notification?.body ?? '', /^(?:"é)+"?…$/);
    const huge = testNotice({ data: { conv_id: 'x'.repeat(4_096) } });
    assert.deepEqual(await to.send(huge), { t: 'rejected', reason: 'larger than a push may be' });
  });

  it('gives one token for all, and another before it ends', async () => {
    await using to = await fixture();
    const burst = () => Promise.all(Array.from({ length: 20 }, () => to.send()));
    assert.ok((await burst()).every(({ t }) => t === 'sent'));
    assert.equal(to.service.granted, 1);
    to.turn(54 * 60);
    await burst();
    assert.equal(to.service.granted, 1);
    // Under five minutes are left: it is used on, while another is asked for.
    to.turn(56 * 60);
    await burst();
    const used = () => new Set(pushes(to.service).map(({ headers }) => headers['authorization']));
    await until(
      async () => (await to.send()).t === 'sent' && used().size > 1,
      () => `${[...used()].join(' ')}, ${to.service.granted} granted`,
    );
    assert.deepEqual([...used()], ['Bearer ya29.1', 'Bearer ya29.2']);
    assert.equal(to.service.granted, 2);
  });

  it('gives another token in place of one that it does not take any more', async () => {
    await using to = await fixture();
    await to.send();
    to.service.tokens.clear();
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => to.send()));
    assert.deepEqual(
      outcomes,
      outcomes.map(() => ({ t: 'sent' })),
    );
    assert.equal(to.service.granted, 2);
    to.service.behave = ({ path }) =>
      path === '/token' ? undefined : { status: 401, body: '{"error":{"status":"UNAUTHENTICATED"}}' };
    assert.deepEqual(await to.send(), { t: 'rejected', reason: 'UNAUTHENTICATED' });
    assert.equal(to.service.granted, 3);
  });

  it('says which devices are gone, and which never were ours', async () => {
    await using to = await fixture();
    assert.deepEqual(await to.send(testNotice(), 'nobody'), { t: 'gone', reason: 'UNREGISTERED' });
    assert.deepEqual(await to.send(testNotice(), 'malformed'), { t: 'gone', reason: 'INVALID_ARGUMENT' });
    to.service.foreign.add('foreign');
    const foreign = await to.send(testNotice(), 'foreign');
    assert.deepEqual(foreign, { t: 'rejected', reason: 'SENDER_ID_MISMATCH' });
    const before = to.service.requests.length;
    assert.equal((await to.send(testNotice(), 'a b')).t, 'gone');
    assert.equal(to.service.requests.length, before);
  });

  it('without a token nothing is sent, and nobody asks again at once', async () => {
    const word = (error: unknown): Reply => ({ status: 400, body: JSON.stringify({ error }) });
    const grant = (content: unknown): Reply => ({ status: 200, body: JSON.stringify(content) });
    const nonsense = 'token: the answer makes no sense';
    const cases: readonly (readonly [Reply, PushOutcome])[] = [
      [word('invalid_grant'), { t: 'rejected', reason: 'token: invalid_grant' }],
      [word('<b>'), { t: 'rejected', reason: 'token: status 400' }],
      [
        { status: 503, headers: { 'retry-after': '9' } },
        { t: 'retry', reason: 'token: status 503', afterMs: 9_000 },
      ],
      [
        { status: 302, headers: { location: '/elsewhere' } },
        { t: 'rejected', reason: 'token: status 302' },
      ],
      ['hang', { t: 'retry', reason: 'token: no answer within 2000 ms' }],
      ['cut', { t: 'retry', reason: 'token: ECONNRESET' }],
      ['endless', { t: 'retry', reason: nonsense }],
      [
        { status: 200, body: 'ya29' },
        { t: 'retry', reason: nonsense },
      ],
      [grant({}), { t: 'retry', reason: nonsense }],
      [grant({ access_token: 'a\nb', expires_in: 3_600 }), { t: 'retry', reason: nonsense }],
      [grant({ access_token: 'a' }), { t: 'retry', reason: nonsense }],
      [grant({ access_token: 'a', expires_in: -1 }), { t: 'retry', reason: nonsense }],
      [grant({ access_token: 'a', expires_in: '3600' }), { t: 'retry', reason: nonsense }],
      [grant({ access_token: 'x'.repeat(5_000), expires_in: 3_600 }), { t: 'retry', reason: nonsense }],
    ];
    for (const [reply, expected] of cases) {
      await using to = await fixture(2_000);
      to.instead(reply);
      const outcomes = await Promise.all(Array.from({ length: 5 }, () => to.send()));
      outcomes.push(await to.send());
      for (const outcome of outcomes) assert.deepEqual(outcome, expected);
      assert.equal(to.service.requests.length, 1, JSON.stringify(reply));
      // After a while it is asked again, and forgives.
      to.instead(undefined);
      to.turn(60);
      assert.deepEqual(await to.send(), { t: 'sent' });
    }
  });

  it('believes no token to last for ever', async () => {
    await using to = await fixture();
    to.service.tokenSeconds = 1e12;
    await to.send();
    to.turn(13 * 3_600);
    assert.deepEqual(await to.send(), { t: 'sent' });
    assert.equal(to.service.granted, 2);
  });

  it('is tried again later when it fails, hangs or is away', async () => {
    await using to = await fixture(2_000);
    await to.send();
    to.service.behave = () => 'hang';
    assert.deepEqual(await to.send(), { t: 'retry', reason: 'no answer within 2000 ms' });
    to.service.behave = () => 'reset';
    assert.equal((await to.send()).t, 'retry');
    to.service.behave = () => ({
      status: 429,
      body: '{"error":{"status":"RESOURCE_EXHAUSTED","details":[{"errorCode":"QUOTA_EXCEEDED"}]}}',
    });
    assert.deepEqual(await to.send(), { t: 'retry', reason: 'QUOTA_EXCEEDED', afterMs: 60_000 });
    await to.provider.close();
    assert.deepEqual(await to.send(), { t: 'retry', reason: 'closed' });
  });
});

it('what FCM answers is taken as Google means it', () => {
  const error = (status: string, errorCode?: string, message?: string) =>
    JSON.stringify({ error: { status, message, details: errorCode ? [{ errorCode }] : undefined } });
  const cases: readonly (readonly [number, string, PushOutcome | 'unauthenticated'])[] = [
    [200, '{"name":"projects/p/messages/1"}', { t: 'sent' }],
    [404, error('NOT_FOUND', 'UNREGISTERED'), { t: 'gone', reason: 'UNREGISTERED' }],
    [404, error('NOT_FOUND'), { t: 'gone', reason: 'NOT_FOUND' }],
    // Not FCM's words: a wrong address must not cost all devices.
    [404, '<h1>404</h1>', { t: 'rejected', reason: 'status 404' }],
    [400, error('INVALID_ARGUMENT', 'INVALID_ARGUMENT'), { t: 'rejected', reason: 'INVALID_ARGUMENT' }],
    [
      400,
      error(
        'INVALID_ARGUMENT',
        'INVALID_ARGUMENT',
        'The registration token is not a valid FCM registration token',
      ),
      { t: 'gone', reason: 'INVALID_ARGUMENT' },
    ],
    [401, error('UNAUTHENTICATED'), 'unauthenticated'],
    [401, '', 'unauthenticated'],
    [
      401,
      error('UNAUTHENTICATED', 'THIRD_PARTY_AUTH_ERROR'),
      { t: 'rejected', reason: 'THIRD_PARTY_AUTH_ERROR' },
    ],
    [403, error('PERMISSION_DENIED', 'SENDER_ID_MISMATCH'), { t: 'rejected', reason: 'SENDER_ID_MISMATCH' }],
    [403, error('PERMISSION_DENIED'), { t: 'rejected', reason: 'PERMISSION_DENIED' }],
    [
      429,
      error('RESOURCE_EXHAUSTED', 'QUOTA_EXCEEDED'),
      { t: 'retry', reason: 'QUOTA_EXCEEDED', afterMs: 60_000 },
    ],
    [500, error('INTERNAL', 'INTERNAL'), { t: 'retry', reason: 'INTERNAL' }],
    [503, error('UNAVAILABLE', 'UNAVAILABLE'), { t: 'retry', reason: 'UNAVAILABLE' }],
    [502, 'null', { t: 'retry', reason: 'status 502' }],
    [400, '{"error":{"details":[null]}}', { t: 'rejected', reason: 'status 400' }],
    [400, '{"error":{"status":"lower case"}}', { t: 'rejected', reason: 'status 400' }],
  ];
  for (const [status, body, expected] of cases) {
    assert.deepEqual(fcmOutcome({ t: 'answered', status, retryAfter: undefined, body }, 0), expected, body);
  }
  const asked = fcmOutcome({ t: 'answered', status: 503, retryAfter: '99999999', body: '' }, 0);
  assert.deepEqual(asked, { t: 'retry', reason: 'status 503', afterMs: 3_600_000 });
});
