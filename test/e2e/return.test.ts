import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import { launchChromium } from '../../bridge/web/preview/testing.ts';
import { ChatPage } from './support/chat-page.ts';
import { RestUser } from './support/rest-user.ts';
import { ServerProcess } from './support/server-process.ts';
import { until } from './support/until.ts';

/** Whether the browser has stored a text with the conversations of a user. */
function isStored({ page, name }: ChatPage, text: string): Promise<boolean> {
  return page.evaluate(
    async ([database, sought]) => {
      const answer = <T>(request: IDBRequest<T>): Promise<T> =>
        new Promise((resolve, reject) => {
          request.onsuccess = () => resolve(request.result);
          request.onerror = () => reject(request.error as DOMException);
        });
      const db = await answer(indexedDB.open(database));
      const rows: { state: Uint8Array }[] = await answer(
        db.transaction('conversations').objectStore('conversations').getAll(),
      );
      db.close();
      return rows.some(({ state }) => new TextDecoder().decode(state).includes(sought));
    },
    [`parley:${name}`, text] as const,
  );
}

describe('who comes back to the page', () => {
  let server: ServerProcess;
  let browser: Browser;
  before(async () => {
    server = await ServerProcess.start();
    browser = await launchChromium();
  });
  after(async () => {
    await browser.close();
    await server[Symbol.asyncDispose]();
  });

  for (const missed of [15, 60])
    it(`finds the line above the first of ${missed} messages that came meanwhile, and those below unread`, async () => {
      await using ann = await ChatPage.signIn(browser, server.pageUrl, `ann${missed}`);
      const bob = new RestUser('bob', server.pageUrl);
      const convId = await ann.createGroup(`Night ${missed}`, ['bob']);
      await bob.send(convId, 'good evening.');
      await ann.message('good evening.').waitFor();
      await until(
        () => isStored(ann, 'good evening.'),
        () => 'nothing is stored',
      );
      await ann.closeTab();
      // High enough that not all of them fit into the window.
      for (let n = 1; n <= missed; n += 1) await bob.send(convId, `night ${n}.\n\n\n`);
      await ann.openTab();
      const { page } = ann;
      await page.getByRole('separator', { name: 'New messages' }).waitFor();
      await ann.message('night 1.').waitFor();
      const jump = page.getByRole('button', { name: /^Go to the newest message, \d+ new/ });
      await jump.waitFor();
      assert.match(await page.title(), /^\(\d+\)/);
      await jump.click();
      await page.waitForFunction((title) => document.title === title, `Night ${missed} · Parley`);
      assert.deepEqual(ann.complaints, []);
    });
});
