import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from '../../services/core/clock.ts';
import { makeVapidKeys } from '../../services/push/providers/vapid-keys.ts';
import { WebPushProvider } from '../../services/push/providers/web-push-provider.ts';
import { testAuthority } from '../../services/push/testing/h2-service.ts';
import { testNotice } from '../../services/push/testing/notice.ts';
import { until } from '../e2e/support/until.ts';
import { BrowserPushService } from '../push/browser-push-service.ts';
import { Firefox } from '../push/firefox.ts';
import { PushPage } from '../push/push-page.ts';

describe('Web Push to a real Firefox', () => {
  it('is opened by it, and says there what was sent', async () => {
    const keys = makeVapidKeys();
    await using service = new BrowserPushService();
    const pushServer = await service.start();
    await using page = await PushPage.open(keys.publicKey);
    await using browser = await Firefox.start({
      'dom.push.serverURL': pushServer,
      'dom.push.testing.allowInsecureServerURL': true,
    });
    await browser.allowNotifications(new URL(page.url).origin);
    await browser.show(page.url);
    await until(
      () => page.posted.length > 0,
      () => 'the page has not said anything',
      90_000,
    );
    assert.deepEqual(page.at('/failed'), []);
    const [subscribed = ''] = page.at('/subscribed');
    const { endpoint, keys: browserKeys } = JSON.parse(subscribed) as {
      endpoint: string;
      keys: { p256dh: string; auth: string };
    };
    const provider = new WebPushProvider({
      keys,
      subject: 'mailto:push@example.com',
      hosts: [],
      privateHosts: true,
      ca: await testAuthority(),
      inFlight: 8,
      timeoutMs: 20_000,
      clock: systemClock,
    });
    const target = { t: 'webpush', endpoint, ...browserKeys } as const;
    const notices = [
      testNotice(),
      testNotice({ id: 'hidden', title: undefined, body: undefined }),
      testNotice({ id: 'long', body: '€\n'.repeat(5_000) }),
    ];
    for (const notice of notices) assert.deepEqual(await provider.send(target, notice), { t: 'sent' });
    await until(
      () => page.at('/pushed').length === notices.length,
      () => `${page.at('/pushed').length} came of ${service.passedOn}`,
      60_000,
    );
    const pushed = page.at('/pushed').map((text) => JSON.parse(text) as Record<string, unknown>);
    const { collapseKey: tag, ttlSeconds: _, urgency: __, ...shown } = testNotice();
    assert.deepEqual(pushed[0], { ...shown, tag });
    assert.deepEqual(Object.keys(pushed[1] ?? {}), ['id', 'badge', 'tag', 'data']);
    assert.match(String(pushed[2]?.['body']), /^(?:€\n)+€?…$/);

    // Sealed for another: Firefox does not open it, and says nothing to the worker.
    const foreign = { ...target, auth: Buffer.alloc(16).toString('base64url') };
    assert.deepEqual(await provider.send(foreign, testNotice({ id: 'foreign' })), { t: 'sent' });
    assert.deepEqual(await provider.send(target, testNotice({ id: 'last' })), { t: 'sent' });
    await until(
      () => page.at('/pushed').length > notices.length,
      () => 'the last one did not come',
      60_000,
    );
    assert.equal((JSON.parse(page.at('/pushed')[3] ?? '') as { id: string }).id, 'last');
    await provider.close();
  });
});
