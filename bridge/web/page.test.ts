import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { launchChromium, type ServedPreview, servePreview } from './preview/testing.ts';

/** The page on a made-up client, in a real browser, mostly by keyboard. See preview/scenes.ts for who says what. */
describe('the page', { concurrency: 2 }, () => {
  let served: ServedPreview;
  let browser: Browser;
  before(async () => {
    served = await servePreview();
    browser = await launchChromium();
  });
  after(async () => {
    await browser.close();
    await served[Symbol.asyncDispose]();
  });

  /** A page of its own, signed in; fails when the page logs an error, breaks its policy or throws. */
  async function visit(
    { scene = '', hash = '', ...options }: BrowserContextOptions & { scene?: string; hash?: string },
    look: (page: Page) => Promise<void>,
  ): Promise<void> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    try {
      const page = await context.newPage();
      page.setDefaultTimeout(20_000);
      const complaints: string[] = [];
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('console', (line) => {
        if (line.type() === 'error' || line.type() === 'warning') complaints.push(line.text());
      });
      await page.goto(`${served.url}/?scene=${scene}${hash}`);
      await page.keyboard.type('alice');
      await page.keyboard.press('Enter');
      await look(page);
      assert.deepEqual(complaints, []);
    } finally {
      await context.close();
    }
  }

  const composer = (page: Page): Locator => page.getByRole('textbox', { name: /^Message to/ });
  const log = (page: Page): Locator => page.getByRole('log');
  const message = (page: Page, text: string): Locator => page.locator('[data-message]', { hasText: text });
  /** Resolves when the page has drawn, and done, what follows from what it was told. */
  const drawn = (page: Page): Promise<void> =>
    page.evaluate(async () => {
      for (let frame = 0; frame < 3; frame += 1) await new Promise(requestAnimationFrame);
    });
  const inView = async (page: Page, shown: Locator): Promise<void> => {
    const row = await shown.elementHandle();
    await page.waitForFunction((element) => {
      const box = document.querySelector('[role=log]')?.getBoundingClientRect();
      const { top, bottom } = element?.getBoundingClientRect() ?? {};
      return (
        box !== undefined &&
        top !== undefined &&
        bottom !== undefined &&
        top >= box.top &&
        bottom <= box.bottom
      );
    }, row);
  };
  const holds = async (field: Locator, text: string): Promise<void> => {
    const input = await field.elementHandle();
    await field
      .page()
      .waitForFunction(([element, wanted]) => (element as HTMLTextAreaElement).value === wanted, [
        input,
        text,
      ] as const);
  };
  const focused = (page: Page): Promise<string | null> =>
    page.evaluate(() => {
      const element = document.activeElement;
      return element?.getAttribute('aria-label') ?? element?.textContent ?? null;
    });

  test('signing in leads to the lobby, ready to write; a message goes from sending to read', () =>
    visit({}, async (page) => {
      await page.getByRole('heading', { name: 'lobby', level: 1 }).waitFor();
      await composer(page).waitFor();
      assert.equal(await focused(page), 'Message to lobby');
      await page.evaluate(() => {
        window.preview.manual = true;
      });
      await page.keyboard.type('one');
      await page.keyboard.press('Shift+Enter');
      await page.keyboard.type('two');
      await page.keyboard.press('Enter');
      const sent = message(page, 'one\ntwo');
      for (const status of ['pending', 'sent', 'delivered', 'read']) {
        await page.locator(`[data-message][data-status=${status}]`, { hasText: 'one' }).waitFor();
        await page.evaluate(() => window.preview.advance());
      }
      assert.equal(await sent.count(), 1);
      assert.equal(await composer(page).inputValue(), '');
      assert.equal(await focused(page), 'Message to lobby');
    }));

  test('Ctrl+K finds a conversation or starts one, Escape gives the focus back', () =>
    visit({}, async (page) => {
      await composer(page).waitFor();
      await page.keyboard.press('Control+k');
      await page.keyboard.press('Escape');
      assert.equal(await page.getByRole('dialog').count(), 0);
      assert.equal(await focused(page), 'Message to lobby');

      await page.keyboard.press('Control+k');
      await page.keyboard.type('ada');
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'ada', level: 1 }).waitFor();

      await page.keyboard.press('Control+k');
      await page.keyboard.type('zoe');
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'zoe', level: 1 }).waitFor();
      await page.keyboard.type('Hello!');
      await page.keyboard.press('Enter');
      await page.getByRole('link', { name: /zoe/ }).waitFor();
    }));

  test('arrow keys go through messages; Enter opens what can be done; recalling asks first', () =>
    visit({}, async (page) => {
      await composer(page).waitFor();
      await log(page).focus();
      await page.keyboard.press('ArrowUp');
      await page.keyboard.press('ArrowUp');
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Enter');
      await page.getByRole('menu').waitFor();
      await page.keyboard.press('ArrowDown');
      assert.equal(await focused(page), 'Recall message');
      await page.keyboard.press('Enter');
      await page.getByRole('dialog', { name: 'Recall this message?' }).waitFor();
      await page.getByRole('button', { name: 'Recall', exact: true }).click();
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      await page.getByText('You recalled this message').waitFor();
      assert.equal(await message(page, 'Shall I send a patch?').count(), 0);

      await log(page).focus();
      await page.keyboard.press('ArrowUp');
      await page.keyboard.press('Escape');
      assert.equal(await focused(page), 'Message to lobby');
    }));

  test('the list of conversations is one stop of the tab key, arrows go on from there', () =>
    visit({}, async (page) => {
      await composer(page).waitFor();
      await page.locator('[data-conv=lobby]').focus();
      await page.keyboard.press('ArrowUp');
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'ada', level: 1 }).waitFor();
      assert.equal(await page.locator('[data-conv][tabindex="0"]').count(), 1);
    }));

  test('what was typed and not sent stays with its conversation, through a reload', () =>
    visit({}, async (page) => {
      await composer(page).fill('half a thou');
      await page.locator('[data-conv=d_ada]').click();
      await page.getByRole('heading', { name: 'ada', level: 1 }).waitFor();
      await page.getByText('Draft: half a thou').waitFor();
      assert.equal(await composer(page).inputValue(), '');
      await page.locator('[data-conv=lobby]').click();
      await page.reload();
      await page.getByRole('heading', { name: 'lobby', level: 1 }).waitFor();
      assert.equal(await composer(page).inputValue(), 'half a thou');
    }));

  test('a draft is the same in all tabs, but for the text that somebody is writing', () =>
    visit({}, async (page) => {
      await composer(page).waitFor();
      const other = await page.context().newPage();
      await other.goto(page.url());
      await composer(other).waitFor();
      await other.evaluate(() => void dispatchEvent(new Event('blur')));
      await composer(page).fill('half a thou');
      await holds(composer(other), 'half a thou');
      await other.locator('[data-conv=d_ada]').click();
      await other.getByText('Draft: half a thou').waitFor();
      await page.keyboard.press('Enter');
      await other.getByText('Draft:').waitFor({ state: 'detached' });
      await other.locator('[data-conv=lobby]').click();
      await other.getByRole('heading', { name: 'lobby', level: 1 }).waitFor();
      assert.equal(await composer(other).inputValue(), '');

      await other.evaluate(() => void dispatchEvent(new Event('focus')));
      await composer(other).fill('mine');
      const told = other.evaluate(
        () => new Promise((resolve) => addEventListener('storage', () => resolve(0))),
      );
      await composer(page).fill('of the other tab');
      await told;
      await drawn(other);
      assert.equal(await composer(other).inputValue(), 'mine');
    }));

  test('a refused message can be sent again or given up', () =>
    visit({}, async (page) => {
      await composer(page).fill('/fail first');
      await page.keyboard.press('Enter');
      await page.getByText('Not sent. You are not allowed to do this.').waitFor();
      await page.getByRole('button', { name: 'Retry' }).click();
      await page.locator('[data-status=read]', { hasText: 'first' }).waitFor();
      await composer(page).fill('/fail unwanted');
      await page.keyboard.press('Enter');
      await page.getByRole('button', { name: 'Discard' }).click();
      await message(page, 'unwanted').waitFor({ state: 'detached' });
    }));

  test('unread messages are counted, marked and read by looking at them', () =>
    visit({}, async (page) => {
      await composer(page).waitFor();
      await page.waitForFunction(() => document.title === '(2) lobby · Parley');
      await page.locator('[data-conv=d_ada]').click();
      await page.getByRole('separator', { name: 'New messages' }).waitFor();
      await page.waitForFunction(() => document.title === 'ada · Parley');
      await page.keyboard.type('Yes!');
      await page.keyboard.press('Enter');
      await page.getByRole('separator', { name: 'New messages' }).waitFor({ state: 'detached' });
    }));

  test('what came since the last visit is marked and unread, though what was stored is shown before it is known', () =>
    visit({ scene: 'returning', hash: '#/c/read' }, async (page) => {
      await message(page, '#100 ').waitFor();
      await drawn(page);
      await page.evaluate(() => window.preview.catchUp('read', 100, 40));
      await page.getByRole('separator', { name: 'New messages' }).waitFor();
      await message(page, 'while you were away, 1.').waitFor();
      await inView(page, message(page, 'while you were away, 1.'));
      await drawn(page);
      const readSeq = await page.evaluate(() => window.preview.convs.get('read')?.readSeq ?? 0);
      assert.ok(readSeq > 100 && readSeq < 135, `read to ${readSeq}`);
      await page.getByRole('button', { name: /^Go to the newest message/ }).click();
      await page.waitForFunction(() => window.preview.convs.get('read')?.readSeq === 140);
    }));

  test('what was read elsewhere since the last visit is not marked as new', () =>
    visit({ scene: 'returning', hash: '#/c/unread' }, async (page) => {
      const line = page.getByRole('separator', { name: 'New messages' });
      await line.waitFor();
      await drawn(page);
      assert.equal(await page.evaluate(() => window.preview.convs.get('unread')?.readSeq), 60);
      await page.evaluate(() => window.preview.catchUp('unread', 100, 0));
      await line.waitFor({ state: 'detached' });
      await inView(page, message(page, '#100 '));
    }));

  test('who has scrolled back in what was stored is left there when the server is heard', () =>
    visit({ scene: 'returning', hash: '#/c/read' }, async (page) => {
      await message(page, '#100 ').waitFor();
      await log(page).evaluate((box) => {
        box.scrollTop = box.scrollHeight / 2;
      });
      await drawn(page);
      const topSeq = () =>
        log(page).evaluate((box) => {
          const { top } = box.getBoundingClientRect();
          const rows = [...box.querySelectorAll<HTMLElement>('[data-seq]')];
          return rows.find((row) => row.getBoundingClientRect().bottom > top)?.dataset.seq;
        });
      const before = await topSeq();
      await page.evaluate(() => window.preview.catchUp('read', 100, 40));
      await page.getByRole('button', { name: 'Go to the newest message, 40 new messages' }).waitFor();
      assert.equal(await topSeq(), before);
    }));

  test('after a restore to an earlier state, what comes is read by looking at it', () =>
    visit({ hash: '#/c/d_ada' }, async (page) => {
      const readSeq = (seq: number) =>
        page.waitForFunction((to) => window.preview.convs.get('d_ada')?.readSeq === to, seq);
      await readSeq(4);
      await page.evaluate(() => {
        const ada = window.preview.convs.get('d_ada');
        if (ada === undefined) return;
        ada.items = ada.items.slice(0, 2);
        ada.readSeq = 2;
        window.preview.touch('d_ada');
        window.preview.receive('d_ada', 'ada', 'once more');
      });
      await readSeq(3);
    }));

  test('away from the end, new messages wait below a counted button', () =>
    visit({ scene: 'history', hash: '#/c/long' }, async (page) => {
      await message(page, '#10000 ').waitFor();
      await log(page).focus();
      await page.keyboard.press('PageUp');
      await page.keyboard.press('PageUp');
      await page.getByRole('button', { name: 'Go to the newest message', exact: true }).waitFor();
      await page.evaluate(() => window.preview.receive('long', 'ada', 'are you there?'));
      await page.getByRole('button', { name: 'Go to the newest message, 1 new message' }).click();
      await message(page, 'are you there?').waitFor();
      await page.evaluate(() => window.preview.receive('long', 'ada', 'seen at once'));
      await message(page, 'seen at once').waitFor();
      assert.equal(await page.getByRole('button', { name: /newest message/ }).count(), 0);
    }));

  test('of 10,000 messages few are drawn, and any place can be scrolled to', () =>
    visit({ scene: 'history', hash: '#/c/long' }, async (page) => {
      await message(page, '#10000 ').waitFor();
      for (const part of [0.5, 0.1, 0.9, 0]) {
        await log(page).evaluate((box, to) => {
          box.scrollTop = box.scrollHeight * to;
        }, part);
        await page.waitForFunction(() => {
          const box = document.querySelector('[role=log]')?.getBoundingClientRect();
          if (box === undefined) return false;
          const at = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
          return at?.closest('[data-row]') !== null;
        });
        assert.ok((await page.locator('[data-row]').count()) < 150);
      }
      await message(page, '#1 ').first().waitFor();
    }));

  test('older messages come as one scrolls up, and what one looks at stays in place', () =>
    visit({ scene: 'history', hash: '#/c/paged' }, async (page) => {
      await message(page, '#3000 ').waitFor();
      const loaded = await page.evaluate(() => window.preview.log('paged').items.length);
      await log(page).evaluate((box) => {
        box.scrollTop = 300;
      });
      const view = await log(page).evaluate((box) => {
        const top = box.getBoundingClientRect().top;
        const row = [...box.querySelectorAll<HTMLElement>('[data-seq]')].find(
          (element) => element.getBoundingClientRect().top > top,
        );
        return { seq: row?.dataset.seq, y: row?.getBoundingClientRect().top ?? 0 };
      });
      await page.waitForFunction((n) => window.preview.log('paged').items.length > n, loaded);
      await page.waitForFunction(() => {
        const box = document.querySelector('[role=log]');
        return box !== null && box.scrollTop > 300;
      });
      const after = await page
        .locator(`[data-seq="${view.seq}"]`)
        .evaluate((row) => row.getBoundingClientRect().top);
      assert.ok(Math.abs(after - view.y) < 2, `moved by ${after - view.y} px`);
    }));

  test('what was before one joined stands first, under no day and beside none', () =>
    visit({ scene: 'newcomer', hash: '#/c/new' }, async (page) => {
      await message(page, '#60 ').waitFor();
      await log(page).evaluate((box) => {
        box.scrollTop = 0;
      });
      await page.getByText('What was written before you joined is not shown').waitFor();
      assert.equal(await page.getByText('This is where the group begins.').count(), 0);
      // Its last pixels are what is at the upper edge: the day that floats there would be its own.
      await log(page).evaluate(async (box) => {
        const line = box.querySelector('.notice-row')?.getBoundingClientRect();
        box.scrollTop += (line?.bottom ?? 0) - box.getBoundingClientRect().top - 4;
        for (let frame = 0; frame < 2; frame++) await new Promise((drawn) => requestAnimationFrame(drawn));
      });
      assert.equal(await page.locator('.floating-day').count(), 0);
      assert.equal(await page.getByText('1970').count(), 0);
    }));

  test('a page of history that fails waits for the reader', () =>
    visit({ scene: 'flaky', hash: '#/c/odd' }, async (page) => {
      await message(page, '👍🏽').waitFor();
      await log(page).evaluate((box) => {
        box.scrollTop = 0;
      });
      await page.getByText('Earlier messages didn’t load.').waitFor();
      await page.getByRole('button', { name: 'Try again' }).click();
      await message(page, '#300 ').waitFor({ state: 'attached' });
    }));

  test('texts are texts: no markup, safe links, long ones fold', () =>
    visit({ scene: 'flaky', hash: '#/c/odd' }, async (page) => {
      await message(page, '<img src=x onerror=alert(1)> & <b>no markup</b>').waitFor();
      assert.equal(await log(page).locator('img').count(), 0);
      const link = log(page).getByRole('link').first();
      assert.equal(await link.getAttribute('rel'), 'noopener noreferrer');
      assert.equal(await link.getAttribute('target'), '_blank');
      const long = page.getByRole('button', { name: 'Show all' });
      const folded = await page.locator('.text-folded').boundingBox();
      await long.click();
      await page.getByRole('button', { name: 'Show less' }).waitFor();
      const open = await message(page, 'A long text follows.').boundingBox();
      assert.ok((open?.height ?? 0) > 1.5 * (folded?.height ?? 0));
    }));

  test('groups: made, renamed, filled, led and left', () =>
    visit({}, async (page) => {
      await composer(page).waitFor();
      await page.getByRole('button', { name: 'New', exact: true }).click();
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Enter');
      await page.keyboard.type('Tea');
      await page.keyboard.press('Tab');
      await page.keyboard.type('ada, grace');
      await page.keyboard.press('Enter');
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'Tea', level: 1 }).waitFor();
      await page.getByRole('button', { name: 'Members', exact: true }).click();
      const panel = page.getByRole('complementary', { name: 'Members' });
      await panel.getByText('alice (you)').waitFor();
      await panel.getByRole('button', { name: 'Rename group' }).click();
      await page.keyboard.press('Control+a');
      await page.keyboard.type('Four o’clock');
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'Four o’clock', level: 1 }).waitFor();
      await panel.getByRole('button', { name: 'Add people' }).click();
      await page.keyboard.type('linus');
      await page.keyboard.press('Enter');
      await page.keyboard.press('Enter');
      await page.getByText('You added linus').first().waitFor();
      await panel.getByRole('button', { name: 'Actions for linus' }).click();
      await page.getByRole('menuitem', { name: 'Make an admin' }).click();
      await page.getByText('You made linus an admin').first().waitFor();
      await panel.getByRole('button', { name: 'Actions for grace' }).click();
      await page.getByRole('menuitem', { name: 'Remove from group' }).click();
      await page.getByText('You removed grace').first().waitFor();
      await panel.getByRole('button', { name: 'Leave group' }).click();
      await page.getByRole('button', { name: 'Leave', exact: true }).click();
      await page.getByRole('alert').getByText('make somebody else the owner').waitFor();
      await page.keyboard.press('Escape');
      await panel.getByRole('button', { name: 'Close members' }).focus();
      await page.keyboard.press('Escape');
      await panel.waitFor({ state: 'detached' });
    }));

  test('without a connection one is told, writes on, and all is sent when it is back', () =>
    visit({ scene: 'offline' }, async (page) => {
      await page.getByText('No connection.').waitFor();
      await composer(page).fill('kept');
      await page.keyboard.press('Enter');
      await page.locator('[data-status=pending]', { hasText: 'kept' }).waitFor();
      // Writing made it try at once; that failed, too.
      await page.getByText('No connection.').waitFor();
      await page.evaluate(() => {
        window.preview.reachable = true;
      });
      await page.getByRole('button', { name: 'Try now' }).click();
      await page.locator('[data-status=read]', { hasText: 'kept' }).waitFor();
      await page.getByText('No connection.').waitFor({ state: 'detached' });
    }));

  test('a browser that keeps nothing says so once, and does not promise to', () =>
    visit({ scene: 'unkept' }, async (page) => {
      const told = page.getByText('This browser doesn’t keep what you write.');
      await told.waitFor();
      await page.getByText('Leave this page open: what you write is sent as soon as it is back.').waitFor();
      assert.equal(await page.getByText('What you write is kept').count(), 0);
      await page.getByRole('button', { name: 'Dismiss' }).click();
      await told.waitFor({ state: 'detached' });
      await composer(page).fill('not kept');
      await page.keyboard.press('Enter');
      await page.locator('[data-status=pending]', { hasText: 'not kept' }).waitFor();
      assert.equal(await told.count(), 0);
    }));

  test('a session that ended says why, and how to go on', async () => {
    await visit({ scene: 'superseded' }, async (page) => {
      await page.getByRole('heading', { name: 'Parley is open elsewhere' }).waitFor();
      await page.getByRole('button', { name: 'Use it here' }).waitFor();
    });
    await visit({ scene: 'refused' }, async (page) => {
      await page.getByRole('alert').getByText('doesn’t accept this token').waitFor();
      await page.getByLabel('Your name').waitFor();
    });
  });

  test('signing out leaves nothing that signs in again', () =>
    visit({}, async (page) => {
      await composer(page).fill('secret draft');
      await page.getByRole('button', { name: 'Settings' }).click();
      await page.getByRole('menuitem', { name: 'Sign out' }).click();
      await page.getByLabel('Your name').waitFor();
      await page.reload();
      await page.getByLabel('Your name').waitFor();
      const kept = await page.evaluate(() => JSON.stringify([localStorage, sessionStorage]));
      assert.ok(!kept.includes('secret draft') && !kept.includes('parley.identity'), kept);
    }));

  test('a chosen theme holds over a reload, before the first paint', () =>
    visit({ colorScheme: 'light' }, async (page) => {
      const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      await composer(page).waitFor();
      const light = await background();
      await page.getByRole('button', { name: 'Settings' }).click();
      await page.getByRole('menuitemradio', { name: 'Dark' }).click();
      const dark = await background();
      assert.notEqual(dark, light);
      await page.reload({ waitUntil: 'commit' });
      await page.waitForFunction(() => document.documentElement.dataset.theme === 'dark');
      assert.equal(await background(), dark);
    }));

  test('on a phone list and conversation take turns, and fingers find their targets', () =>
    visit({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }, async (page) => {
      await composer(page).waitFor();
      assert.equal(await page.getByRole('navigation').isVisible(), false);
      await page.getByRole('button', { name: 'Back to conversations' }).click();
      await page.getByRole('navigation').waitFor();
      assert.equal(await composer(page).count(), 0);
      await page.getByRole('link', { name: /ada/ }).first().click();
      await composer(page).waitFor();
      for (const button of await page.locator('.chat button:visible, .chat textarea').all()) {
        const box = await button.boundingBox();
        if (box === null || (await button.getAttribute('tabindex')) === '-1') continue;
        assert.ok(box.height >= 44, `${await button.getAttribute('aria-label')}: ${box.height} px`);
      }
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.equal(overflow, 0);
    }));
});
