import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launchChromium } from '../../bridge/web/preview/testing.ts';
import { isFree } from '../engines/free-port.ts';
import { type PlainFrame, PlainUser } from './support/plain-user.ts';
import { RestUser } from './support/rest-user.ts';
import { ServerProcess } from './support/server-process.ts';
import { until } from './support/until.ts';

/**
 * The page and the client that the project began with, as they are in fixtures/: the address of the server stands in
 * them, so that this one needs port 9502.
 */

const wsPort = 9502;
const fixture = (name: string) => new URL(`fixtures/${name}`, import.meta.url);

describe('the source’s own page and client', () => {
  const stack = new AsyncDisposableStack();
  let server: ServerProcess;

  before(async () => {
    assert.ok(
      await isFree(wsPort),
      `port ${wsPort} is taken: these fixtures connect to it, so whatever listens there has to be stopped first`,
    );
    server = stack.use(await ServerProcess.start({ ports: { ws: wsPort } }));
  });
  after(() => stack.disposeAsync());

  test('the page, opened as a file, is user 2 in group 1: it sends, and is shown what all send', async () => {
    const browser = await launchChromium();
    await using closing = new AsyncDisposableStack();
    closing.defer(() => browser.close());
    const ann = closing.use(await PlainUser.open('ann', wsPort));
    await ann.send('1', 'before the page came');
    const page = await browser.newPage();
    await page.goto(fixture('page.html').href);
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
    assert.deepEqual(await shown.allTextContents(), ['connected', '2: hello from the page', 'ann: welcome']);
  });

  test('the client is who its first frame says, gets its message acknowledged and delivered, and hears others', async () => {
    const client = spawn(process.execPath, [fileURLToPath(fixture('client.mjs'))], {
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
    const store = await new RestUser('user_001', server.pageUrl).history('group_123');
    assert.deepEqual(
      store.map(({ sender, text }) => `${sender}: ${text}`),
      ['user_001: Hello World', 'ann: hello user_001'],
    );
  });
});
