import { mkdir } from 'node:fs/promises';
import { launchChromium } from '../bridge/web/preview/testing.ts';
import { Clients } from '../test/cluster/support/clients.ts';
import { Cluster } from '../test/cluster/support/cluster.ts';
import { serviceTokenOf } from '../test/cluster/support/tokens.ts';
import { AdminPage, type View } from '../test/e2e/support/admin-page.ts';

/** Takes the pictures of docs/admin.md: a real cluster with something to do, and what the administration shows of it. */

const directory = new URL('../docs/images/', import.meta.url).pathname;
const people = ['ada', 'grace', 'linus', 'margaret', 'ken', 'barbara'];
const desktop = { viewport: { width: 1280, height: 800 }, colorScheme: 'light' } as const;
const phone = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, colorScheme: 'dark' } as const;
const pictures: readonly { view: View; name: string; options: typeof desktop | typeof phone }[] = [
  { view: 'Overview', name: 'admin-overview-desktop-light', options: desktop },
  { view: 'Nodes', name: 'admin-nodes-phone-dark', options: phone },
];

await mkdir(directory, { recursive: true });
await using cluster = await Cluster.start();
await using clients = new Clients(cluster);
for (const [no, name] of people.entries())
  await clients.online(name, no % 2 === 0 ? 'e1' : 'e2', no % 3 === 0 ? 'grpc' : 'ws');
let busy = true;
const talk = Promise.all(people.map(talkOf));
const browser = await launchChromium();
try {
  const token = await serviceTokenOf('ops', ['admin', 'tokens']);
  for (const { view, name, options } of pictures) {
    await using admin = await AdminPage.open(
      browser,
      `http://127.0.0.1:${cluster.get('e1').ports.http}`,
      options,
    );
    await admin.signIn(token);
    await admin.see(view);
    // Until rates are known.
    if (view === 'Overview')
      await admin.page.locator('.tile', { hasText: 'Entries' }).getByText(/^\d/).waitFor();
    if (view === 'Nodes') await admin.row('Nodes', 'm2').waitFor();
    await admin.page.screenshot({ path: `${directory}${name}.png` });
  }
} finally {
  busy = false;
  await talk;
  await browser.close();
}

/** Somebody who writes to this one and that one, faster or slower. */
async function talkOf(name: string, no: number): Promise<void> {
  for (let times = 0; busy; times += 1) {
    const to = people[(no + 1 + (times % (no + 1))) % people.length] as string;
    await cluster.send('e1', name, { to }, `message ${times}`);
    await new Promise((resolve) => setTimeout(resolve, 100 + 120 * no));
  }
}
