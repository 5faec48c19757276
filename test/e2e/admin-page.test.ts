import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { launchChromium } from '../../bridge/web/preview/testing.ts';
import { accepting, Receiver } from '../../services/push/testing/receiver.ts';
import { freePort } from '../engines/free-port.ts';
import { quickRetries, rest, WebhooksFile } from '../push/support.ts';
import { AdminPage, serviceTokenBy } from './support/admin-page.ts';
import { JsonUser } from './support/json-user.ts';
import { ServerProcess } from './support/server-process.ts';

/** The page of the administration, in a real browser, on a real server. */

describe('the page of the administration', () => {
  const stack = new AsyncDisposableStack();
  let browser: Browser;
  let receiver: Receiver;
  let server: ServerProcess;
  let secret: string;
  /** One for all: who tries many is slowed down, but not with a token that was good before. */
  let ops: string;
  let watcher: string;
  before(async () => {
    receiver = stack.use(await Receiver.open((_, response) => void response.writeHead(400).end()));
    const file = stack.use(await WebhooksFile.write({ url: receiver.url(), events: ['message.created'] }));
    server = stack.use(
      await ServerProcess.start({
        ports: { http: await freePort() },
        env: { PARLEY_WEBHOOKS: file.path, PARLEY_WEBHOOK_ATTEMPTS: '1', ...quickRetries },
      }),
    );
    secret = (await readFile(join(server.dataDir, 'token.secret'), 'utf8')).trim();
    ops = await serviceTokenBy(secret, 'ops', ['admin', 'tokens']);
    watcher = await serviceTokenBy(secret, 'watcher', ['admin']);
    browser = await launchChromium();
    stack.defer(() => browser.close());
  });
  after(() => stack.disposeAsync());

  async function signedIn(options = {}): Promise<AdminPage> {
    const admin = await AdminPage.open(browser, server.pageUrl, options);
    await admin.signIn(ops);
    await admin.page.getByText('All is as it should be').waitFor();
    return admin;
  }

  test('lets nobody in without the scope, says why, and keeps the token out of the address', async () => {
    await using admin = await AdminPage.open(browser, server.pageUrl);
    await admin.signIn('no.such.token');
    await admin.page.getByText('does not accept this token').waitFor();
    await admin.signIn(await serviceTokenBy(secret, 'backend', ['send']));
    await admin.page.getByText('lacks the scope “admin”').waitFor();
    await admin.signIn(ops);
    await admin.page.getByRole('heading', { name: 'Overview' }).waitFor();
    assert.ok(!admin.page.url().includes(ops.slice(0, 20)));
    assert.equal(await admin.page.evaluate(() => localStorage.length), 0);
    // For as long as the tab lives, and no longer.
    await admin.page.reload();
    await admin.page.getByText('All is as it should be').waitFor();
    await admin.page.getByRole('button', { name: 'Sign out' }).click();
    await admin.page.getByLabel('Service token').waitFor();
    await admin.page.reload();
    await admin.page.getByLabel('Service token').waitFor();
    assert.deepEqual(admin.complaints, []);
  });

  test('shows live figures, the node, queues and leases', async () => {
    await using admin = await signedIn();
    await using _ann = await JsonUser.signIn('ann', server.ports.ws);
    await rest(server.ports.http, 'ann', 'POST', '/messages/send', { to: 'bob', content: 'hush' });
    await admin.page.locator('.tile', { hasText: 'Sessions' }).filter({ hasText: '1' }).first().waitFor();
    await admin.page.getByRole('table', { name: 'Hot conversations' }).waitFor();
    await admin.see('Nodes');
    await admin.row('Nodes', 'alone', 'connection, message').waitFor();
    await admin.see('Queues');
    await admin.row('Queues', 'Commands that wait for a commit').waitFor();
    await admin.see('Leases');
    await admin.row('Worker leases', 'held').waitFor();
    await admin.page.getByText('None: this process is alone.').waitFor();
    await admin.see('Slow consumers');
    await admin.page.getByText('Every session keeps up.').waitFor();
    assert.ok(!(await admin.page.content()).includes('hush'));
    assert.deepEqual(admin.complaints, []);
  });

  test('ends a session and revokes tokens, asking first, by keyboard; each stands in the audit log', async () => {
    await using admin = await signedIn();
    const { page } = admin;
    const bea = await JsonUser.signIn('bea', server.ports.ws);
    await admin.see('Users');
    await page.getByLabel('User').fill('bea');
    await page.keyboard.press('Enter');
    await admin.row('Sessions of bea', 'json').or(admin.row('Sessions of bea', 'End')).first().waitFor();
    await page.getByRole('button', { name: 'End all sessions' }).focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'End all sessions of bea?' });
    await dialog.waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'End all sessions' }).click();
    await dialog.getByRole('button', { name: 'End', exact: true }).click();
    await page.getByText('1 sessions ended.').waitFor();
    await page.getByText('bea has no session now.').waitFor();
    await bea[Symbol.asyncDispose]();
    await page.getByRole('button', { name: 'Revoke tokens' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke', exact: true }).click();
    await page.getByText('The tokens of bea are revoked.').waitFor();
    await admin.see('Audit log');
    await admin.row('Audit log', 'ops', 'sessions.end', 'bea', 'done').waitFor();
    await admin.row('Audit log', 'ops', 'tokens.revoke', 'bea', 'done').waitFor();
    await admin.row('Audit log', 'node.start').waitFor();
    assert.deepEqual(admin.complaints, []);
  });

  test('says in its dialog why an act is refused', async () => {
    await using admin = await AdminPage.open(browser, server.pageUrl);
    await admin.signIn(watcher);
    await admin.see('Users');
    await admin.page.getByLabel('User').fill('bea');
    await admin.page.keyboard.press('Enter');
    await admin.page.getByRole('button', { name: 'Revoke tokens' }).click();
    const dialog = admin.page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Revoke', exact: true }).click();
    await dialog.getByRole('alert').filter({ hasText: 'lacks the scope' }).waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    assert.deepEqual(admin.complaints, []);
  });

  test('looks a group up, and puts a member out, but not its owner', async () => {
    await rest(server.ports.http, 'olga', 'POST', '/groups', {
      group_id: 'crew',
      name: 'Crew',
      members: ['max'],
    });
    await using admin = await signedIn();
    await admin.see('Conversations');
    await admin.page.getByLabel('Conversation or group').fill('crew');
    await admin.page.keyboard.press('Enter');
    await admin.row('Nodes that hold crew', 'group').waitFor();
    await admin.page.getByRole('button', { name: 'Remove olga' }).click();
    const dialog = admin.page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Remove', exact: true }).click();
    await dialog.getByRole('alert').filter({ hasText: 'owner' }).waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await admin.page.getByRole('button', { name: 'Remove max' }).click();
    await dialog.getByRole('button', { name: 'Remove', exact: true }).click();
    await admin.page.getByText('max is out of crew.').waitFor();
    await admin.row('Members of crew', 'max').waitFor({ state: 'detached' });
    await admin.page.getByLabel('Conversation or group').fill('nobody-ever');
    await admin.page.keyboard.press('Enter');
    await admin.page.getByText('No such group.').waitFor();
  });

  test('asks for what nobody has seen yet as soon as somebody looks', async () => {
    const { http } = server.ports;
    await rest(http, 'olga', 'POST', '/groups', { group_id: 'shift', name: 'Shift', members: ['max'] });
    await using admin = await signedIn();
    await admin.see('Conversations');
    const hidden = (isHidden: boolean) =>
      admin.page.evaluate((value) => {
        Object.defineProperty(document, 'hidden', { configurable: true, value });
        document.dispatchEvent(new Event('visibilitychange'));
      }, isHidden);
    await hidden(true);
    await admin.page.getByLabel('Conversation or group').fill('shift');
    await admin.page.keyboard.press('Enter');
    await admin.page.getByRole('heading', { name: /shift/ }).first().waitFor();
    await hidden(false);
    // Asked for once, when it is looked up: no later question would bring it.
    await admin.row('Members of shift', 'max').waitFor();
  });

  test('sends dead letters again once their receiver is well, and drops others', async () => {
    await using admin = await signedIn();
    const { page } = admin;
    for (const to of ['one', 'two', 'three'])
      await rest(server.ports.http, 'ann', 'POST', '/messages/send', { to, content: 'hush' });
    await admin.see('Dead letters');
    await admin.row('Dead letters', 'message.created').nth(2).waitFor();
    await page.getByRole('button', { name: 'Choose all' }).click();
    await page.getByRole('button', { name: /^Send again/ }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Send again' }).click();
    await page.getByText(/failed again: status 400/).waitFor();
    receiver.behave = accepting;
    const before = receiver.received.length;
    await page.getByRole('checkbox').first().check();
    await page.getByRole('button', { name: 'Send again (1)' }).click();
    await dialog.getByRole('button', { name: 'Send again' }).click();
    await page.getByText('1 delivered.').waitFor();
    assert.equal(receiver.received.length, before + 1);
    await page.getByRole('button', { name: 'Choose all' }).click();
    await page.getByRole('button', { name: /^Drop/ }).click();
    await dialog.getByRole('button', { name: 'Drop' }).click();
    await page.getByText(/letters dropped/).waitFor();
    await page.getByText('Nothing was given up').waitFor();
    assert.deepEqual(admin.complaints, []);
  });

  test('fits a phone: everything is within its width, in light and dark', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await using admin = await signedIn({ viewport: { width: 360, height: 740 }, colorScheme });
      for (const view of ['Nodes', 'Leases', 'Audit log', 'Overview'] as const) {
        await admin.see(view);
        const wide = await admin.page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(wide <= 360, `${view} is ${wide} px wide`);
      }
    }
  });

  test('is not let in by trying on: who has failed often has to wait', async () => {
    await using admin = await AdminPage.open(browser, server.pageUrl);
    for (let tries = 0; tries < 12; tries += 1) {
      await admin.signIn(`wrong.token.${tries}`);
      await admin.page.getByRole('button', { name: 'Sign in', exact: true }).waitFor();
    }
    await admin.page.getByText('Too many tokens were tried').waitFor();
  });

  // Last: the server goes away.
  test('says so when the server is gone while it is looked at, and goes on when it is back', async () => {
    await using admin = await signedIn();
    await admin.see('Nodes');
    await admin.row('Nodes', 'alone').waitFor();
    await server.kill();
    await admin.page.getByText('Not live').waitFor();
    await admin.page.getByRole('alert').filter({ hasText: 'does not answer. What is shown is of' }).waitFor();
    await admin.row('Nodes', 'alone').waitFor();
    await server.start();
    await admin.page.getByText('Live', { exact: true }).waitFor();
    assert.deepEqual(admin.complaints, []);
  });
});
