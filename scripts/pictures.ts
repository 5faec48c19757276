import { mkdir } from 'node:fs/promises';
import { type Browser, type BrowserContextOptions, chromium } from 'playwright-core';
import { createChatClient } from '../sdk/client.ts';
import { MemoryStorage } from '../sdk/storage-memory.ts';
import { GrpcTransport } from '../sdk/transport-grpc.ts';
import { TestServer } from '../test/helpers/server.ts';

/** Takes the pictures of the README: a real server, real clients, and what the page shows of it. */

const directory = new URL('../docs/images/', import.meta.url).pathname;
const people = ['Ada', 'Grace', 'Linus'] as const;
const talk: readonly [(typeof people)[number], string][] = [
  ['Grace', 'Good morning! The staging cluster is back.'],
  ['Linus', 'Did anything get lost while it was down?'],
  ['Grace', 'Nothing that was acknowledged. The clients resent the rest by themselves.'],
  ['Ada', 'I pulled the plug twice while I was typing this'],
  ['Linus', 'Then I am going to have that second coffee.'],
  ['Ada', 'Release notes are at https://parley.example/notes, have a look before noon.'],
];

const desktop = { width: 1280, height: 800 };
const phone = { width: 390, height: 844 };

await mkdir(directory, { recursive: true });
await using server = await TestServer.start();
await hold();
const args = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-background-networking'];
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args });
try {
  for (const colorScheme of ['light', 'dark'] as const) {
    await picture(browser, `desktop-${colorScheme}`, { viewport: desktop, colorScheme });
    await picture(browser, `phone-${colorScheme}`, { viewport: phone, colorScheme, deviceScaleFactor: 2 });
  }
} finally {
  await browser.close();
}

/** Has the talk held, over gRPC. */
async function hold(): Promise<void> {
  const clients = new Map(
    people.map((userId) => {
      const transport = new GrpcTransport({ address: `127.0.0.1:${server.ports.grpc}` });
      const client = createChatClient({
        transport,
        storage: new MemoryStorage(),
        userId,
        deviceId: 'pictures',
      });
      return [userId, client] as const;
    }),
  );
  const ada = clients.get('Ada');
  if (ada === undefined) return;
  for (const client of clients.values()) client.start();
  await online(ada);
  const { groupId } = await ada.groups.create('Release crew', people.slice(1), 'release-crew');
  for (const [name, text] of talk) await said(clients.get(name), groupId, text);
  const grace = clients.get('Grace');
  if (grace !== undefined) await said(grace, await grace.direct('Ada'), 'Lunch at one?');
  for (const client of clients.values()) await client.close();
}

type Chat = ReturnType<typeof createChatClient>;

function online(client: Chat): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (client.state.t === 'online') resolve();
    };
    client.onChange(look);
    look();
  });
}

/** Resolves once the message is in the log. */
async function said(client: Chat | undefined, convId: string, text: string): Promise<void> {
  if (client === undefined) return;
  const clientId = client.send(convId, text);
  await new Promise<void>((resolve) => {
    const look = (): void => {
      if (client.log(convId).items.some((item) => item.clientId === clientId)) resolve();
    };
    client.onLog(convId, look);
    look();
  });
}

async function picture(on: Browser, name: string, options: BrowserContextOptions): Promise<void> {
  const context = await on.newContext(options);
  const page = await context.newPage();
  await page.goto(`http://127.0.0.1:${server.ports.http}/`);
  await page.getByRole('textbox', { name: 'Your name' }).fill('Ada');
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page
    .getByRole('log')
    .or(page.getByRole('navigation', { name: 'Conversations' }))
    .first()
    .waitFor();
  await page.goto(`http://127.0.0.1:${server.ports.http}/#/c/release-crew`);
  await page.getByText('Release notes are at').last().waitFor();
  await page.screenshot({ path: `${directory}${name}.png` });
  await context.close();
}
