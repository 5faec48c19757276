import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { launchChromium } from '../../bridge/web/preview/testing.ts';
import { ChatPage } from './support/chat-page.ts';
import { freePort } from '../engines/free-port.ts';
import { JsonUser } from './support/json-user.ts';
import { NativeUser } from './support/native-user.ts';
import { RestUser } from './support/rest-user.ts';
import { ServerProcess } from './support/server-process.ts';
import { until } from './support/until.ts';

const group = 'lobby';

describe('the bridge as a process of its own', () => {
  const stack = new AsyncDisposableStack();
  let core: ServerProcess;
  let bridge: ServerProcess;
  let ann: ChatPage;
  let gus: NativeUser;
  const said: string[] = [];

  before(async () => {
    const node = await freePort();
    core = stack.use(
      await ServerProcess.start({
        args: ['--roles', 'connection,message,group'],
        ports: { node, grpc: await freePort() },
      }),
    );
    bridge = stack.use(
      await ServerProcess.start({
        args: ['--roles', 'bridge', '--upstream', `http://127.0.0.1:${node}`],
        ports: { http: await freePort(), ws: await freePort() },
      }),
    );
    const browser = await launchChromium();
    stack.defer(() => browser.close());
    ann = stack.use(await ChatPage.signIn(browser, bridge.pageUrl, 'ann'));
    await ann.open(group);
    gus = stack.use(await NativeUser.signIn('gus', core.ports.grpc));
    await gus.open(group);
  });
  after(() => stack.disposeAsync());

  async function annSays(text: string): Promise<void> {
    said.push(`ann: ${text}`);
    await ann.say(text);
  }

  function gusSays(text: string): void {
    said.push(`gus: ${text}`);
    gus.client.send(group, text);
  }

  /** Waits until all that was said so far is everywhere, once, and the same. */
  async function settled(): Promise<void> {
    const rest = new RestUser('ann', bridge.pageUrl);
    await until(
      () => gus.shown(group).length >= said.length && gus.client.log(group).pending.length === 0,
      () => `gus has ${gus.shown(group).length} of ${said.length}`,
    );
    const store = await rest.history(group);
    assert.deepEqual(store.map(({ sender, text }) => `${sender}: ${text}`).sort(), said.toSorted());
    assert.deepEqual(gus.shown(group), store);
    await ann.message(store.at(-1)?.text ?? '').waitFor();
    await until(
      async () => (await ann.history()).length >= store.length,
      () => 'the page shows less',
    );
    assert.deepEqual(await ann.history(), store);
  }

  test('the page and a native client talk through it', async () => {
    await annSays('hello, gus');
    await ann.shows('hello, gus', 'sent');
    // Whoever answers has read.
    gusSays('hello, ann');
    await ann.shows('hello, gus', 'read');
    await settled();
  });

  test('the bridge is killed: what is written meanwhile waits in the page, and nothing is lost', async () => {
    await annSays('just before');
    await bridge.kill();
    await ann.page.getByText('No connection.').waitFor();
    await annSays('while the bridge is gone');
    gusSays('ann seems to be away');
    await bridge.start();
    await ann.page.getByText('No connection.').waitFor({ state: 'detached' });
    await ann.shows('while the bridge is gone', 'sent');
    await ann.message('ann seems to be away').waitFor();
    await settled();
  });

  test('the core is killed: the bridge closes its sockets with a code that says reconnect, and they come back', async () => {
    const joe = stack.use(await JsonUser.signIn('joe', bridge.ports.ws));
    await annSays('just before the core goes');
    await core.kill();
    assert.equal((await joe.closed()).code, 4503);
    await ann.page.getByText('No connection.').waitFor();
    await annSays('while the core is gone');
    gusSays('I miss it, too');
    const early = await JsonUser.signIn('joe', bridge.ports.ws).catch((error: Error) => error);
    assert.match(String(early), /4503/);
    await core.start();
    await gus.reconnect();
    await ann.shows('while the core is gone', 'sent');
    await ann.message('I miss it, too').waitFor();
    await settled();
    await using again = await JsonUser.signIn('joe', bridge.ports.ws);
    await again.send(group, 'joe is back');
    said.push('joe: joe is back');
    await settled();
  });

  test('the page had nothing to complain about', () => {
    assert.deepEqual(ann.complaints, []);
  });
});
