import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import { until } from './until.ts';

/** A message or a recall, as somebody was shown it. */
export interface Shown {
  readonly seq: number;
  readonly sender: string;
  /** The text; `recalled` where there was one. */
  readonly text: string;
}

export const recalled = 'recalled';

/** Somebody at the page, in a browser profile of their own. */
export class ChatPage implements AsyncDisposable {
  readonly name: string;
  readonly context: BrowserContext;
  /** What a page must not do: throw, or complain about anything but the network. */
  readonly complaints: string[] = [];
  readonly #url: string;
  #page: Page;
  #address = '';

  private constructor(name: string, url: string, context: BrowserContext, page: Page) {
    this.name = name;
    this.#url = url;
    this.context = context;
    this.#page = page;
    this.#watch(page);
  }

  /** Opens the page and signs in, as a person does it: by the name, or with a token where there is one. */
  static async signIn(browser: Browser, url: string, name: string, token?: string): Promise<ChatPage> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    const chat = new ChatPage(name, url, context, await context.newPage());
    await chat.page.goto(url);
    const field = chat.page.getByRole('textbox', { name: token === undefined ? 'Your name' : 'Token' });
    // Where it looks like a server for development, names come first.
    const other = chat.page.getByRole('button', { name: 'Sign in with a token' });
    await field.or(other).first().waitFor();
    if (token !== undefined && (await other.isVisible())) await other.click();
    await field.fill(token ?? name);
    await chat.page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await chat.page.getByRole('navigation', { name: 'Conversations' }).waitFor();
    return chat;
  }

  get page(): Page {
    return this.#page;
  }

  /** The page's own way to a conversation, by its address. */
  async open(convId: string): Promise<void> {
    await this.page.goto(`${this.#url}#/c/${encodeURIComponent(convId)}`);
    await this.composer.waitFor();
  }

  /** Makes a group in the dialog, and resolves with its id. */
  async createGroup(title: string, members: readonly string[]): Promise<string> {
    const { page } = this;
    await page.getByRole('button', { name: 'New', exact: true }).click();
    await page.getByRole('menuitem', { name: 'New group' }).click();
    const dialog = page.getByRole('dialog', { name: 'New group' });
    await dialog.getByRole('textbox', { name: 'Name' }).fill(title);
    const people = dialog.getByRole('textbox', { name: 'People' });
    for (const member of members) {
      await people.fill(member);
      await people.press('Enter');
    }
    await dialog.getByRole('button', { name: 'Create group' }).click();
    await page.getByRole('heading', { name: title, level: 1 }).waitFor();
    const [, convId = ''] = /#\/c\/(.+)$/.exec(page.url()) ?? [];
    return decodeURIComponent(convId);
  }

  get composer(): Locator {
    return this.page.getByRole('textbox', { name: /^Message to / });
  }

  get log(): Locator {
    return this.page.getByRole('log');
  }

  message(text: string): Locator {
    return this.page.locator('[data-message]', { hasText: text });
  }

  /** Writes a message and presses Enter; by then the page has taken it. */
  async write(text: string): Promise<void> {
    await this.composer.fill(text);
    await this.composer.press('Enter');
  }

  /** Writes a message, and sees it stand in the list, whether sent or not. */
  async say(text: string): Promise<void> {
    await this.write(text);
    await this.message(text).waitFor();
  }

  /** Loads the page again, and again when there is nothing to load it from, until it can be written in. */
  async reload(): Promise<void> {
    this.#address = this.#page.url();
    if (!(await this.#loads(() => this.#page.reload()))) await this.#load();
    await this.composer.waitFor();
  }

  async closeTab(): Promise<void> {
    this.#address = this.#page.url();
    await this.#page.close();
  }

  /** A new tab where the closed one was. */
  async openTab(): Promise<void> {
    this.#page = await this.context.newPage();
    this.#watch(this.#page);
    await this.#load();
    await this.composer.waitFor();
  }

  /** Waits until the page shows that an own message has come so far. */
  async shows(text: string, status: 'sent' | 'delivered' | 'read'): Promise<void> {
    const atLeast = { sent: ['sent', 'delivered', 'read'], delivered: ['delivered', 'read'], read: ['read'] };
    const marks = atLeast[status].map((each) => `[data-message][data-status=${each}]`).join(', ');
    await this.page.locator(marks, { hasText: text }).waitFor();
  }

  async recall(text: string): Promise<void> {
    const message = this.message(text);
    await message.hover();
    await message.getByRole('button', { name: 'Message actions' }).click();
    await this.page.getByRole('menuitem', { name: 'Recall message' }).click();
    await this.page.getByRole('button', { name: 'Recall', exact: true }).click();
    await this.page.getByRole('dialog').waitFor({ state: 'detached' });
  }

  /**
   * All of the conversation as the page shows it, oldest first: scrolls from its end, where it is, up to where the
   * conversation begins, and goes back. Notices are left out. Throws when rows are out of order, or one is there twice.
   */
  async history(): Promise<Shown[]> {
    const shown = new Map<number, Shown>();
    for (let steps = 0; ; steps++) {
      if (steps > 2_000) throw new Error('the conversation has no beginning');
      const view = await this.log.evaluate(readView);
      this.#take(view.rows, shown);
      if (view.begins) break;
    }
    const back = this.page.getByRole('button', { name: 'Go to the newest message' });
    if (await back.isVisible()) await back.click();
    await back.waitFor({ state: 'detached' });
    return [...shown.values()].sort((one, other) => one.seq - other.seq);
  }

  async #load(): Promise<void> {
    await until(
      () => this.#loads(() => this.#page.goto(this.#address)),
      () => `${this.#address} can be loaded`,
      60_000,
    );
  }

  /** False when there was no network, or nobody at its other end. */
  async #loads(load: () => Promise<unknown>): Promise<boolean> {
    try {
      await load();
      return true;
    } catch (error) {
      // The browser's own page about the last failure may come in between.
      if (error instanceof Error && /net::ERR_|interrupted by another navigation/.test(error.message))
        return false;
      throw error;
    }
  }

  #watch(page: Page): void {
    page.setDefaultTimeout(30_000);
    page.on('pageerror', (error) => this.complaints.push(error.stack ?? error.message));
    page.on('console', (line) => {
      const expected = /net::ERR_|WebSocket connection to|Failed to load resource/.test(line.text());
      if (!expected && ['error', 'warning'].includes(line.type())) this.complaints.push(line.text());
    });
  }

  #take(rows: readonly Shown[], shown: Map<number, Shown>): void {
    let before = 0;
    for (const row of rows) {
      if (row.seq <= before) throw new Error(`${this.name}’s page shows ${row.seq} below ${before}`);
      before = row.seq;
      const named = row.sender === 'You' ? { ...row, sender: this.name } : row;
      const known = shown.get(row.seq);
      if (known !== undefined && known.text !== named.text)
        throw new Error(`${this.name}’s page shows ${row.seq} as ${known.text} and ${named.text}`);
      shown.set(row.seq, named);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.context.close();
  }
}

/** In the page: what is drawn now, then a step upwards. Notices stand there without text. */
async function readView(box: Element): Promise<{ rows: Shown[]; begins: boolean }> {
  const rows = [...box.querySelectorAll<HTMLElement>('article[data-seq]')].map((row) => {
    const text = row.querySelector('.text')?.cloneNode(true) as HTMLElement | undefined;
    text?.querySelector('.bubble-meta')?.remove();
    return {
      seq: Number(row.dataset['seq']),
      sender: row.getAttribute('aria-label') ?? '',
      text: text?.textContent ?? 'recalled',
    };
  });
  const begins = box.querySelector('.start-row') !== null && box.scrollTop <= 0;
  box.scrollTop -= box.clientHeight / 2;
  // Twice: the page draws in the one frame what the other measures.
  for (let frame = 0; frame < 2; frame++) await new Promise((drawn) => requestAnimationFrame(drawn));
  return { rows, begins };
}
