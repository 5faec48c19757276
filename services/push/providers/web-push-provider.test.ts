import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { WebPushTarget } from '../../ports/push-target.ts';
import type { PushNotice, PushOutcome } from '../provider.ts';
import { testAuthority } from '../testing/h2-service.ts';
import { testNotice } from '../testing/notice.ts';
import { takeApart } from '../testing/signed.ts';
import { TurnedClock } from '../testing/turned-clock.ts';
import { WebPushService } from '../testing/web-push-service.ts';
import { makeVapidKeys } from './vapid-keys.ts';
import { type WebPushInit, WebPushProvider, webPushOutcome } from './web-push-provider.ts';
import { until } from '../../../test/e2e/support/until.ts';

const ca = await testAuthority();
const keys = makeVapidKeys();

async function fixture(change: Partial<WebPushInit> = {}) {
  const service = await new WebPushService().listen();
  const clock = new TurnedClock();
  const provider = new WebPushProvider({
    keys,
    subject: 'mailto:push@example.com',
    hosts: [],
    privateHosts: true,
    ca,
    inFlight: 8,
    timeoutMs: 20_000,
    clock,
    ...change,
  });
  const browser = service.subscribe(keys.publicKey);
  return {
    service,
    provider,
    clock,
    browser,
    send: (notice: PushNotice = testNotice(), target: WebPushTarget = browser) =>
      provider.send(target, notice),
    [Symbol.asyncDispose]: async () => {
      await provider.close();
      await service.down();
    },
  };
}

describe('Web Push', () => {
  it('tells a browser, and nobody on the way, what to show', async () => {
    await using to = await fixture();
    assert.deepEqual(await to.send(), { t: 'sent' });
    const [push] = to.service.taken;
    assert.ok(push);
    assert.deepEqual(push.payload, {
      id: 'n_0001',
      title: 'Ada',
      body: 'Are you there?',
      badge: 3,
      tag: 'group_123',
      data: { conv_id: 'group_123', seq: '42', kind: 'message' },
    });
    assert.equal(push.headers['ttl'], '600');
    assert.equal(push.headers['urgency'], 'high');
    const [{ body, headers } = { body: Buffer.alloc(0), headers: {} }] = to.service.requests;
    for (const word of ['Ada', 'there', 'group_123']) {
      assert.ok(!body.includes(word) && !JSON.stringify(headers).includes(word), word);
    }
  });

  it('seals each push anew', async () => {
    await using to = await fixture();
    await to.send();
    await to.send();
    const [one, other] = to.service.requests;
    assert.ok(one && other);
    // Salt and key of the sender: the first 16 bytes, and 65 after the record's size.
    assert.notDeepEqual(one.body.subarray(0, 16), other.body.subarray(0, 16));
    assert.notDeepEqual(one.body.subarray(21, 86), other.body.subarray(21, 86));
  });

  it('leaves texts out where content is hidden, and keeps to four weeks', async () => {
    await using to = await fixture();
    const notice = testNotice({ title: undefined, body: undefined, urgency: 'normal', ttlSeconds: 1e9 });
    await to.send(notice);
    const [push] = to.service.taken;
    assert.deepEqual(Object.keys(push?.payload ?? {}), ['id', 'badge', 'tag', 'data']);
    assert.equal(push?.headers['ttl'], '2419200');
    assert.equal(push?.headers['urgency'], 'normal');
  });

  it('collapses by conversation', async () => {
    await using to = await fixture();
    await to.send();
    await to.send(testNotice({ id: 'n_0002' }));
    await to.send(testNotice({ collapseKey: 'other' }));
    const [own, same, other] = to.service.taken.map(({ headers }) => headers['topic']);
    assert.ok(own === same && own !== other);
  });

  it('fits whatever is written into what every push service takes', async () => {
    await using to = await fixture();
    assert.deepEqual(await to.send(testNotice({ body: '€\n'.repeat(5_000) })), { t: 'sent' });
    const [{ body } = { body: Buffer.alloc(0) }] = to.service.requests;
    assert.ok(body.byteLength <= 4_096 && body.byteLength > 4_080, String(body.byteLength));
    const huge = testNotice({ data: { conv_id: 'x'.repeat(4_096) } });
    assert.deepEqual(await to.send(huge), { t: 'rejected', reason: 'larger than a push may be' });
  });

  it('is signed for each push service, once in six hours', async () => {
    await using to = await fixture();
    await using second = await new WebPushService().listen();
    await to.send();
    await to.send();
    await to.provider.send(second.subscribe(keys.publicKey), testNotice());
    to.clock.aheadMs = 5 * 3_600_000;
    to.service.aheadSeconds = 5 * 3_600;
    await to.send();
    to.clock.aheadMs = 7 * 3_600_000;
    to.service.aheadSeconds = 7 * 3_600;
    assert.equal((await to.send()).t, 'sent');
    const signatures = to.service.requests.map(({ headers }) => headers['authorization'] ?? '');
    const [first, again, later, renewed] = signatures;
    assert.ok(first === again && again === later && later !== renewed);
    assert.notEqual(second.requests[0]?.headers['authorization'], first);
    assert.equal(second.taken.length, 1);
    const claims = takeApart(/t=([^,]+)/.exec(first ?? '')?.[1] ?? '')?.claims;
    assert.equal(claims?.['sub'], 'mailto:push@example.com');
  });

  it('says which subscriptions are gone, and does not mistake foreign keys for that', async () => {
    await using to = await fixture();
    to.service.unsubscribe(to.browser);
    assert.deepEqual(await to.send(), { t: 'gone', reason: 'status 410' });
    const nowhere = { ...to.browser, endpoint: `${to.service.origin}/wpush/v2/nobody` };
    assert.deepEqual(await to.send(testNotice(), nowhere), { t: 'gone', reason: 'status 404' });
    assert.equal((await to.send(testNotice(), { ...to.browser, auth: 'short' })).t, 'gone');
    const foreign = to.service.subscribe(makeVapidKeys().publicKey);
    assert.deepEqual(await to.send(testNotice(), foreign), { t: 'rejected', reason: 'status 403' });
  });

  it('is tried again later when the service fails, hangs, lies or is away', async () => {
    await using to = await fixture({ timeoutMs: 1_500 });
    to.service.behave = () => 'hang';
    assert.deepEqual(await to.send(), { t: 'retry', reason: 'no answer within 1500 ms' });
    to.service.behave = () => 'cut';
    assert.deepEqual(await to.send(), { t: 'retry', reason: 'ECONNRESET' });
    to.service.behave = () => ({ status: 429, headers: { 'retry-after': '30' } });
    assert.deepEqual(await to.send(), { t: 'retry', reason: 'status 429', afterMs: 30_000 });
    to.service.behave = () => ({ status: 307, headers: { location: `${to.service.origin}/elsewhere` } });
    assert.deepEqual(await to.send(), { t: 'rejected', reason: 'status 307' });
    assert.ok(to.service.requests.every(({ path }) => path !== '/elsewhere'));
    // Taken, whatever the body is.
    to.service.behave = () => 'endless';
    assert.deepEqual(await to.send(), { t: 'sent' });
    to.service.behave = undefined;
    assert.deepEqual(await to.send(), { t: 'sent' });
    await to.service.down();
    assert.equal((await to.send()).t, 'retry');
    await to.provider.close();
    assert.deepEqual(await to.send(), { t: 'retry', reason: 'closed' });
  });

  it('goes nowhere where not everybody can go', async () => {
    await using to = await fixture({ privateHosts: false });
    const { port } = new URL(to.service.origin);
    const hosts = [
      '127.0.0.1',
      '2130706433',
      '0x7f.1',
      '[::1]',
      '[::ffff:127.0.0.1]',
      'localhost',
      '169.254.169.254',
    ];
    for (const host of hosts) {
      const endpoint = `https://${host}:${port}/wpush/v2/x`;
      const outcome = await to.send(testNotice(), { ...to.browser, endpoint });
      assert.deepEqual(outcome, { t: 'rejected', reason: 'the endpoint is at a private address' }, host);
    }
    assert.equal(to.service.open + to.service.requests.length, 0);
  });

  it('goes only to the hosts that it may go to', async () => {
    await using to = await fixture({ hosts: ['127.0.0.1', '.push.example'] });
    assert.equal((await to.send()).t, 'sent');
    const refused: PushOutcome = { t: 'rejected', reason: 'the endpoint is at a host that is not allowed' };
    for (const host of ['localhost', 'push.example', 'evilpush.example', '127.0.0.1.example']) {
      const endpoint = to.browser.endpoint.replace('127.0.0.1', host);
      assert.deepEqual(await to.send(testNotice(), { ...to.browser, endpoint }), refused, host);
    }
    const below = { ...to.browser, endpoint: 'https://a.push.example.invalid/x' };
    assert.deepEqual(await to.send(testNotice(), below), refused);
  });

  it('says nothing to whom nobody vouches for', async () => {
    await using to = await fixture({ ca: undefined });
    const outcome = await to.send();
    assert.match(outcome.t === 'retry' ? outcome.reason : outcome.t, /CERT|VERIFY|SELF_SIGNED/);
    assert.equal(to.service.requests.length, 0);
  });

  it('I6: lets no push service that hangs hold up another', async () => {
    await using to = await fixture({ inFlight: 2 });
    to.service.behave = () => 'hang';
    const calledOff = new AbortController();
    const { signal } = calledOff;
    const hanging = Array.from({ length: 10 }, () => to.provider.send(to.browser, testNotice(), { signal }));
    await to.service.until(() => to.service.requests.length === 2);
    assert.equal(to.provider.waiting, 8);
    await using other = await new WebPushService().listen();
    assert.equal((await to.provider.send(other.subscribe(keys.publicKey), testNotice())).t, 'sent');
    assert.equal(to.service.requests.length, 2);
    calledOff.abort();
    for (const outcome of await Promise.all(hanging)) {
      assert.deepEqual(outcome, { t: 'retry', reason: 'aborted' });
    }
    assert.equal(to.provider.waiting, 0);
  });

  it('I6: has no more waiting than it has room for', async () => {
    await using to = await fixture({ inFlight: 1 });
    to.service.behave = () => 'hang';
    const first = to.send();
    await to.service.until(() => to.service.requests.length === 1);
    const outcomes = Array.from({ length: 513 }, () => to.send());
    assert.deepEqual(await outcomes.pop(), { t: 'retry', reason: 'too many wait' });
    assert.equal(to.provider.waiting, 512);
    await to.provider.close();
    assert.equal((await first).t, 'retry');
    for (const outcome of await Promise.all(outcomes))
      assert.deepEqual(outcome, { t: 'retry', reason: 'closed' });
    await until(
      () => to.service.open === 0,
      () => `${to.service.open} connections are open`,
    );
  });
});

it('what push services answer is taken as RFC 8030 means it', () => {
  const cases: readonly (readonly [number, PushOutcome['t']])[] = [
    [200, 'sent'],
    [201, 'sent'],
    [202, 'sent'],
    [400, 'rejected'],
    [401, 'rejected'],
    [403, 'rejected'],
    [404, 'gone'],
    [406, 'retry'],
    [408, 'retry'],
    [410, 'gone'],
    [413, 'rejected'],
    [429, 'retry'],
    [500, 'retry'],
    [503, 'retry'],
  ];
  for (const [status, expected] of cases) assert.equal(webPushOutcome(status, undefined, 0).t, expected);
  const asked = webPushOutcome(503, '99999999', 0);
  assert.deepEqual(asked, { t: 'retry', reason: 'status 503', afterMs: 3_600_000 });
});
