import { Tokens } from '../../../services/connection/token.ts';
import type { TokenScope } from '../../../services/connection/token.ts';
import { systemClock } from '../../../services/core/clock.ts';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';

export type View =
  | 'Overview'
  | 'Nodes'
  | 'Conversations'
  | 'Users'
  | 'Slow consumers'
  | 'Queues'
  | 'Leases'
  | 'Dead letters'
  | 'Audit log';

/** An administrator at the page, in a browser profile of their own. */
export class AdminPage implements AsyncDisposable {
  readonly page: Page;
  /** What a page must not do: throw, or complain about anything but the network. */
  readonly complaints: string[] = [];

  private constructor(page: Page) {
    this.page = page;
    page.setDefaultTimeout(20_000);
    page.on('pageerror', (error) => this.complaints.push(error.message));
    page.on('console', (line) => {
      const network = /Failed to load resource|net::ERR/.test(line.text());
      if (line.type() === 'error' && !network) this.complaints.push(line.text());
    });
  }

  static async open(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<AdminPage> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    const admin = new AdminPage(await context.newPage());
    await admin.page.goto(new URL('/admin', url).href);
    await admin.page.getByLabel('Service token').waitFor();
    return admin;
  }

  /** By keyboard alone. */
  async signIn(token: string): Promise<void> {
    const { page } = this;
    await page.getByLabel('Service token').fill(token);
    await page.keyboard.press('Enter');
  }

  async see(view: View): Promise<void> {
    await this.page.getByRole('navigation').getByRole('link', { name: view, exact: true }).click();
    await this.page.getByRole('heading', { name: view, level: 1 }).waitFor();
  }

  /** A row of a table that says all of these. */
  row(table: string, ...texts: readonly string[]): Locator {
    const rows = this.page.getByRole('table', { name: table }).getByRole('row');
    return texts.reduce((found, hasText) => found.filter({ hasText }), rows);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.context().close();
  }
}

/** A token of a service, signed with the secret of a server. */
export async function serviceTokenBy(
  secret: string,
  name: string,
  scopes: readonly TokenScope[],
): Promise<string> {
  return (await new Tokens([secret], systemClock).issueService(name, scopes, 3_600)).token;
}
