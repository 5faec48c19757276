import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser, BrowserContext, CDPSession } from 'playwright-core';
import { launchChromium } from '../../bridge/web/preview/testing.ts';
import { rest } from '../push/support.ts';
import { ChatPage } from './support/chat-page.ts';
import { ServerProcess } from './support/server-process.ts';
import { until } from './support/until.ts';

/** Stands in for the push service of the browser's maker, which a machine without a network has none of. */
function fakeSubscription(): void {
  let held: object | null = null;
  const base64 = (text: string) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0)).buffer;
  const make = (key: ArrayBuffer | Uint8Array) => ({
    endpoint: 'https://push.example.com/a-secret-path',
    options: {
      applicationServerKey: key instanceof ArrayBuffer ? key : key.slice().buffer,
      userVisibleOnly: true,
    },
    getKey: (name: string) =>
      name === 'auth'
        ? base64('AAECAwQFBgcICQoLDA0ODw==')
        : base64('BGsX0fLhLEJH+Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT+NC4v4af5uO5+tKfA+eFivOM1drMV7Oy7ZAaDe/UfU='),
    unsubscribe: async () => {
      held = null;
      return true;
    },
  });
  PushManager.prototype.getSubscription = async () => held as PushSubscription | null;
  PushManager.prototype.subscribe = async (options) => {
    held = make(options?.applicationServerKey as Uint8Array);
    return held as PushSubscription;
  };
}

/** The service workers of a browser, as its developer tools see them. */
class Workers {
  readonly #session: CDPSession;
  readonly #registrations = new Map<string, string>();

  private constructor(session: CDPSession) {
    this.#session = session;
    session.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
      for (const { registrationId, scopeURL, isDeleted } of registrations)
        if (isDeleted) this.#registrations.delete(registrationId);
        else this.#registrations.set(registrationId, scopeURL);
    });
  }

  static async of(context: BrowserContext, { page }: ChatPage): Promise<Workers> {
    const session = await context.newCDPSession(page);
    const workers = new Workers(session);
    await session.send('ServiceWorker.enable');
    return workers;
  }

  get count(): number {
    return this.#registrations.size;
  }

  /** As if the browser's push service had brought it. */
  async push(origin: string, data: string): Promise<void> {
    const [registrationId] = this.#registrations.keys();
    if (registrationId === undefined) throw new Error('there is no service worker');
    await this.#session.send('ServiceWorker.deliverPushMessage', { origin, registrationId, data });
  }
}

interface ShownNotification {
  readonly title: string;
  readonly body: string;
  readonly tag: string;
  readonly convId: string;
}

function shown({ page }: ChatPage): Promise<ShownNotification[]> {
  return page.evaluate(async () => {
    const worker = await navigator.serviceWorker.ready;
    return (await worker.getNotifications()).map(({ title, body, tag, data }) => ({
      title,
      body,
      tag,
      convId: (data as { convId: string }).convId,
    }));
  });
}

/** Somebody goes to another window; resolves when the page has drawn what follows. */
function looksAway({ page }: ChatPage): Promise<void> {
  return page.evaluate(async () => {
    dispatchEvent(new Event('blur'));
    for (let frame = 0; frame < 2; frame += 1) await new Promise(requestAnimationFrame);
  });
}

function looksAgain({ page }: ChatPage): Promise<void> {
  return page.evaluate(() => void dispatchEvent(new Event('focus')));
}

async function looksAwayForHours(chat: ChatPage): Promise<void> {
  await looksAway(chat);
  await chat.page.evaluate(() => {
    const now = Date.now;
    Date.now = () => now() + 2 * 3_600_000;
  });
  await looksAgain(chat);
}

async function menu({ page }: ChatPage) {
  await page.getByRole('button', { name: 'Settings' }).click();
  return page.getByRole('menuitemcheckbox', { name: 'Notifications' });
}

describe('notifications of the page', () => {
  let server: ServerProcess;
  let browser: Browser;
  before(async () => {
    server = await ServerProcess.start({ env: { PARLEY_PUSH: 'true' } });
    browser = await launchChromium();
  });
  after(async () => {
    await browser.close();
    await server[Symbol.asyncDispose]();
  });

  const devicesOf = async (user: string) =>
    (await rest(server.ports.http, user, 'GET', '/devices'))['devices'] as {
      device_id: string;
      name: string;
      provider: string;
    }[];

  it('are asked for by nobody but the switch, registered, shown, opened, and gone with signing out', async () => {
    await using ann = await ChatPage.signIn(browser, server.pageUrl, 'ann');
    const { page, context } = ann;
    const origin = new URL(server.pageUrl).origin;
    const convId = await ann.createGroup('Garden', ['bob']);
    const workers = await Workers.of(context, ann);
    assert.equal(await page.evaluate(() => Notification.permission), 'default');
    await page.evaluate(fakeSubscription);
    await context.grantPermissions(['notifications'], { origin });
    const off = await menu(ann);
    assert.equal(await off.getAttribute('aria-checked'), 'false');
    assert.equal(workers.count, 0, 'nothing is registered before it is wanted');
    await off.click();
    await until(
      async () => (await devicesOf('ann')).length === 1,
      () => 'the device is not registered',
    );
    assert.deepEqual(
      (await devicesOf('ann')).map(({ name, provider }) => [name, provider]),
      [['Chrome on Linux', 'webpush']],
    );
    // The server may know before the page does.
    const on = await menu(ann);
    await until(
      async () => (await on.getAttribute('aria-checked')) === 'true',
      () => 'the switch is not on',
    );
    await page.keyboard.press('Escape');

    // Hidden content: words of its own. A newer one takes its place. What can't be read is shown all the same.
    await page.goto(`${server.pageUrl}#/`);
    const data = { conv_id: convId, seq: '7', kind: 'message' };
    const first = JSON.stringify({ id: 'n', badge: 3, tag: 'garden', data });
    await until(
      async () => {
        // The browser drops what comes before the worker is active, and doesn't say so. A repeat takes the first one's place.
        await workers.push(origin, first);
        return (await shown(ann)).length === 1;
      },
      () => 'nothing is shown',
    );
    assert.deepEqual(await shown(ann), [{ title: 'Parley', body: 'New message', tag: 'garden', convId }]);
    await workers.push(
      origin,
      JSON.stringify({ title: 'Garden', body: 'bob: <b>hi</b>', tag: 'garden', data }),
    );
    await until(
      async () => (await shown(ann))[0]?.body === 'bob: <b>hi</b>',
      () => 'the newer one is not shown',
    );
    assert.equal((await shown(ann)).length, 1);
    await workers.push(origin, 'no JSON');
    await until(
      async () => (await shown(ann)).length === 2,
      () => 'what can’t be read is not shown',
    );

    // A click goes to the conversation.
    const [worker] = context.serviceWorkers();
    await worker?.evaluate((to) => {
      const event = new Event('notificationclick') as Event & { notification: object };
      event.notification = { close() {}, data: { convId: to } };
      Object.assign(event, { waitUntil: () => {} });
      dispatchEvent(event);
    }, convId);
    await page.getByRole('heading', { name: 'Garden', level: 1 }).waitFor();

    // A page that stays open for long tells the server once more that the device is there.
    const [known] = await devicesOf('ann');
    await rest(server.ports.http, 'ann', 'DELETE', `/devices/${known?.device_id}`);
    await looksAwayForHours(ann);
    await until(
      async () => (await devicesOf('ann')).length === 1,
      () => 'the device is not registered again',
    );

    // The browser ends the subscription: the push service says so to the server, and nobody to the page.
    const endpoint = () =>
      page.evaluate(async () => {
        const { pushManager } = await navigator.serviceWorker.ready;
        return (await pushManager.getSubscription())?.endpoint;
      });
    await page.evaluate(async () => {
      const { pushManager } = await navigator.serviceWorker.ready;
      await (await pushManager.getSubscription())?.unsubscribe();
    });
    assert.equal(await endpoint(), undefined);
    await rest(server.ports.http, 'ann', 'DELETE', `/devices/${known?.device_id}`);
    await looksAwayForHours(ann);
    await until(
      async () => (await devicesOf('ann')).length === 1,
      () => 'there is no other subscription',
    );
    assert.ok(await endpoint());
    const onAgain = await menu(ann);
    await until(
      async () => (await onAgain.getAttribute('aria-checked')) === 'true',
      () => 'the switch is not on again',
    );
    await page.keyboard.press('Escape');

    // Where it does say so, the service worker has subscribed again before the page is opened.
    const again = await worker?.evaluate(async () => {
      const wanted: unknown[] = [];
      PushManager.prototype.subscribe = async (options) => {
        wanted.push(options);
        return {} as PushSubscription;
      };
      const tell = async (facts: object) => {
        const waited: Promise<unknown>[] = [];
        const waitUntil = (promise: Promise<unknown>) => waited.push(promise);
        dispatchEvent(Object.assign(new Event('pushsubscriptionchange'), { waitUntil, ...facts }));
        await Promise.all(waited);
      };
      const oldSubscription = { options: { userVisibleOnly: true } };
      await tell({ oldSubscription });
      await tell({ oldSubscription, newSubscription: {} });
      await tell({});
      return wanted;
    });
    assert.deepEqual(again, [{ userVisibleOnly: true }]);

    // Where the browser has lost the subscription, the server still forgets the device.
    await page.evaluate(() => {
      PushManager.prototype.getSubscription = async () => null;
    });
    await page.getByRole('button', { name: 'Settings' }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: 'Sign in', exact: true }).waitFor();
    assert.equal(await page.evaluate(() => localStorage.getItem('parley.notifications')), null);
    await until(
      async () => (await devicesOf('ann')).length === 0,
      () => 'the device is still registered',
    );
    assert.deepEqual(ann.complaints, []);
  });

  it('leave no number at the app’s icon behind when what they told of was read', async () => {
    await using ann = await ChatPage.signIn(browser, server.pageUrl, 'ann');
    const { page } = ann;
    const convId = await ann.createGroup('Counted', ['bob']);
    await page.evaluate(() => {
      const state = window as { badge?: number };
      Navigator.prototype.setAppBadge = async (count) => {
        state.badge = count ?? 0;
      };
    });
    const badge = () => page.evaluate(() => (window as { badge?: number }).badge);
    const is = (count: number) =>
      until(
        async () => (await badge()) === count,
        () => `the badge is not ${count}`,
      );
    await looksAway(ann);
    await rest(server.ports.http, 'bob', 'POST', '/messages/send', { conv_id: convId, content: 'hi' });
    await is(1);
    await looksAgain(ann);
    await is(0);
    // A push comes while the page is asleep, of what is read elsewhere.
    await looksAway(ann);
    await page.evaluate(() => navigator.setAppBadge(7));
    await looksAgain(ann);
    await is(0);
    assert.deepEqual(ann.complaints, []);
  });

  it('of a conversation can be muted, and that stands after a reload', async () => {
    await using cyd = await ChatPage.signIn(browser, server.pageUrl, 'cyd');
    const { page } = cyd;
    const convId = await cyd.createGroup('Loud', ['bob']);
    const mute = (pressed: boolean) => page.getByRole('button', { name: 'Mute notifications', pressed });
    await mute(false).click();
    await mute(true).waitFor();
    const silenced = async () =>
      (await rest(server.ports.http, 'cyd', 'GET', '/push/settings'))['silenced'] as { conv_id: string }[];
    await until(
      async () => (await silenced()).some(({ conv_id }) => conv_id === convId),
      () => 'it is not silenced',
    );
    await page.reload();
    await mute(true).click();
    await mute(false).waitFor();
    await until(
      async () => (await silenced()).length === 0,
      () => 'it is still silenced',
    );
    assert.deepEqual(cyd.complaints, []);
  });

  it('are not offered by a server that has none', async () => {
    await using plain = await ServerProcess.start();
    await using dan = await ChatPage.signIn(browser, plain.pageUrl, 'dan');
    await dan.page.getByRole('button', { name: 'Settings' }).click();
    await dan.page.getByRole('menuitem', { name: 'Sign out' }).waitFor();
    assert.equal(await dan.page.getByRole('menuitemcheckbox').count(), 0);
  });
});
