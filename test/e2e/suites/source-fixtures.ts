import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { launchChromium } from '../../../bridge/web/preview/testing.ts';
import { type PlainFrame, PlainUser } from '../support/plain-user.ts';
import { RestUser } from '../support/rest-user.ts';
import type { Site } from '../support/site.ts';
import { until } from '../support/until.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** The port that stands in the fixtures. */
export const sourcePort = 9502;

/**
 * The page and the client that the project began with, as they are in fixtures/: the address of the server stands in
 * them. They go to the first edge, on whatever port it is, others to the second one.
 */
export function sourceFixturesOf(site: Site): void {
  describe(`${site.what}: the source’s own page and client`, () => {
    const stack = new AsyncDisposableStack();
    const wsPort = site.edge(1).ports.ws;
    let directory: string;

    before(async () => {
      directory = await mkdtemp(join(tmpdir(), 'parley-fixtures-'));
      stack.defer(() => rm(directory, { recursive: true }));
    });
    after(() => stack.disposeAsync());

    /** A fixture's text with the port of the site in it. */
    async function fixture(name: string): Promise<string> {
      const text = await readFile(new URL(`../fixtures/${name}`, import.meta.url), 'utf8');
      return text.replaceAll(`${sourcePort}`, `${site.edge(0).ports.ws}`);
    }

    test('the page, opened as a file, is user 2 in group 1: it sends, and is shown what all send', async () => {
      const browser = await launchChromium();
      await using closing = new AsyncDisposableStack();
      closing.defer(() => browser.close());
      const ann = closing.use(await PlainUser.open('ann', wsPort));
      await ann.send('1', 'before the page came');
      const page = await browser.newPage();
      const file = join(directory, 'page.html');
      await writeFile(file, await fixture('page.html'));
      await page.goto(pathToFileURL(file).href);
      const shown = page.getByRole('listitem');
      await shown.filter({ hasText: 'connected' }).waitFor();
      await page.getByRole('textbox').fill('hello from the page');
      await page.getByRole('button', { name: 'Send' }).click();
      await shown.filter({ hasText: '2: hello from the page' }).waitFor();
      await ann.socket.hears(
        (frame) =>
          frame.type === 'group_message' &&
          frame.data.user_id === '2' &&
          frame.data.content === 'hello from the page',
      );
      await ann.send('1', 'welcome');
      await shown.filter({ hasText: 'ann: welcome' }).waitFor();
      assert.deepEqual(await shown.allTextContents(), [
        'connected',
        '2: hello from the page',
        'ann: welcome',
      ]);
    });

    test('the client is who its first frame says, gets its message acknowledged and delivered, and hears others', async () => {
      const client = spawn(process.execPath, ['--input-type=module', '--eval', await fixture('client.mjs')], {
        cwd: root,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      await using closing = new AsyncDisposableStack();
      closing.defer(async () => {
        if (client.exitCode !== null) return;
        const exited = once(client, 'exit');
        client.kill('SIGKILL');
        await exited;
      });
      const frames: PlainFrame[] = [];
      let complaints = '';
      client.stderr.on('data', (text: Buffer) => (complaints += text.toString()));
      createInterface({ input: client.stdout }).on('line', (line) =>
        frames.push(JSON.parse(line) as PlainFrame),
      );
      const heard = (wanted: (frame: PlainFrame) => boolean) =>
        until(
          () => frames.some(wanted),
          () => `the client heard ${JSON.stringify(frames)} ${complaints}`,
        );
      await heard(({ type }) => type === 'ack');
      await heard(
        (frame) =>
          frame.type === 'group_message' &&
          frame.data.conv_id === 'group_123' &&
          frame.data.user_id === 'user_001' &&
          frame.data.content === 'Hello World',
      );
      const ann = closing.use(await PlainUser.open('ann', wsPort));
      await ann.send('group_123', 'hello user_001');
      await heard((frame) => frame.type === 'group_message' && frame.data.content === 'hello user_001');
      assert.equal(
        frames.some(({ type }) => type === 'error'),
        false,
        JSON.stringify(frames),
      );
      assert.equal(complaints, '');
      const store = await new RestUser('user_001', site.edge(1).pageUrl).history('group_123');
      assert.deepEqual(
        store.map(({ sender, text }) => `${sender}: ${text}`),
        ['user_001: Hello World', 'ann: hello user_001'],
      );
    });
  });
}
