import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { launchChromium } from '../../../bridge/web/preview/testing.ts';
import { ChatPage } from '../support/chat-page.ts';
import { freePort } from '../../engines/free-port.ts';
import { NativeUser } from '../support/native-user.ts';
import { Random } from '../support/random.ts';
import { RestUser } from '../support/rest-user.ts';
import type { FragileSite } from '../support/site.ts';
import { Turns } from '../support/turns.ts';
import { insist } from '../../cluster/support/cluster.ts';
import { until } from '../support/until.ts';
import { Wire } from '../support/wire.ts';

/** The same seed makes the same choices; what they meet depends on the machine all the same. */
const seed = Number(process.env['PARLEY_E2E_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

/** How often each kind of trouble comes. */
export interface Troubles {
  readonly reloads: number;
  readonly offlines: number;
  readonly kills: number;
}

/** Somebody who writes, and what stands in the way. */
interface Writer {
  readonly name: string;
  readonly wire: Wire;
  /** One thing at a time: nobody types into a page that is being loaded. */
  readonly turns: Turns;
  /** All that was written, in this order. */
  readonly said: string[];
  write(text: string): Promise<void>;
  /** Whether the device itself knows that it has no network. */
  offline(is: boolean): Promise<void>;
}

/** Writers at the front of a site, in which nodes are killed, while lines are cut and pages loaded again. */
export function reloadOf(site: FragileSite, { reloads, offlines, kills }: Troubles): void {
  describe(`${site.what}: two browsers and a native client write on through trouble (PARLEY_E2E_SEED=${seed})`, () => {
    const stack = new AsyncDisposableStack();
    const random = new Random(seed);
    let pages: readonly ChatPage[];
    let gus: NativeUser;
    let store: RestUser;
    let writers: readonly Writer[];
    let group: string;

    before(async () => {
      const { ports, pageUrl } = site.front;
      const lay = async (to: number) => stack.use(await Wire.lay(await freePort(), () => to));
      const browser = await launchChromium();
      stack.defer(() => browser.close());
      const pageWriters: Writer[] = [];
      pages = await Promise.all(
        ['ann', 'bea'].map(async (name) => {
          const wire = await lay(ports.http);
          const page = stack.use(await ChatPage.signIn(browser, `http://127.0.0.1:${wire.port}/`, name));
          const write = (text: string) => page.write(text);
          const offline = (is: boolean) => page.context.setOffline(is);
          pageWriters.push({ name, wire, turns: new Turns(), said: [], write, offline });
          return page;
        }),
      );
      const wire = await lay(ports.grpc);
      gus = stack.use(await NativeUser.signIn('gus', wire.port));
      store = new RestUser('ann', pageUrl);
      group = await store.createGroup('Trouble', ['bea', 'gus']);
      for (const page of pages) await page.open(group);
      await gus.open(group);
      const write = async (text: string) => void gus.client.send(group, text);
      writers = [
        ...pageWriters,
        { name: 'gus', wire, turns: new Turns(), said: [], write, offline: async () => undefined },
      ];
    });
    after(() => stack.disposeAsync());

    async function writeNext(writer: Writer): Promise<void> {
      const text = `${writer.name} says ${writer.said.length + 1}.`;
      await writer.write(text);
      writer.said.push(text);
    }

    /** Writes until told to stop. */
    async function writeOn(writer: Writer, enough: AbortSignal): Promise<void> {
      while (!enough.aborted) {
        await writer.turns.take(() => writeNext(writer));
        await pause(random.between(20, 250));
      }
    }

    const events = {
      /** With a message that has just been written, and may be anywhere between the keyboard and the store. */
      async reload(): Promise<void> {
        const page = random.pick(pages);
        const writer = writers.find(({ name }) => name === page.name) as Writer;
        await writer.turns.take(async () => {
          await writeNext(writer);
          await page.reload();
        });
      },
      /** The line is cut, for a moment or longer; sometimes the device notices by itself. */
      async offline(): Promise<void> {
        const { wire, offline } = random.pick(writers);
        const told = random.next() < 0.5;
        await wire.cut();
        if (told) await offline(true);
        await pause(random.pick([0, random.between(100, 1_500)]));
        await wire.mend();
        if (told) await offline(false);
      },
      /** Ends when messages get through again: a server that is always down is no test of anything. */
      async kill(): Promise<void> {
        const victim = random.pick(site.victims);
        await site.kill(victim);
        await pause(random.between(0, 500));
        await site.start(victim);
        const before = await insist(() => store.head(group));
        await until(
          async () => (await insist(() => store.head(group))) > before,
          () => `nothing is stored behind ${before}`,
        );
      },
    };

    test(`${reloads + offlines + kills} reloads, cut lines and kills: both pages, the native client and the store agree on all that was written`, async (t) => {
      const enough = new AbortController();
      const servers = new Turns();
      const lines = new Turns();
      const busy: Promise<void>[] = [];
      const failures: unknown[] = [];
      const go = (one: Promise<void>): void => {
        const failed = (error: unknown): void => {
          failures.push(error);
          enough.abort();
        };
        busy.push(one.catch(failed));
      };
      for (const writer of writers) go(writeOn(writer, enough.signal));
      const plan = (['reload', 'offline', 'kill'] as const).flatMap((kind) =>
        Array<typeof kind>({ reload: reloads, offline: offlines, kill: kills }[kind]).fill(kind),
      );
      for (const kind of random.shuffled(plan)) {
        if (enough.signal.aborted) break;
        // Troubles of one kind follow each other; those of different kinds come together.
        if (kind === 'kill') await servers.done();
        if (kind === 'reload') go(events.reload());
        else go((kind === 'kill' ? servers : lines).take(events[kind]));
        await pause(random.between(100, 900));
      }
      await Promise.all([servers.done(), lines.done()]);
      enough.abort();
      await Promise.all(busy);
      if (failures.length > 0) throw failures[0];

      const said = writers.flatMap((writer) => writer.said);
      await until(
        async () => (await store.history(group)).length >= said.length,
        () => `${said.length} messages were written`,
        60_000,
      );
      // Behind it, whatever is sent twice has come.
      for (const writer of writers) {
        writer.said.push(`${writer.name} is done.`);
        await writer.write(`${writer.name} is done.`);
      }
      for (const { name } of writers)
        for (const page of pages) await page.message(`${name} is done.`).waitFor();

      const stored = await store.history(group);
      for (const { name, said } of writers)
        assert.deepEqual(
          stored.filter(({ sender }) => sender === name).map(({ text }) => text),
          said,
          `what ${name} wrote is stored once, and in order`,
        );
      t.diagnostic(writers.map(({ name, said }) => `${name} wrote ${said.length}`).join(', '));
      assert.deepEqual(await gus.history(group), stored);
      for (const page of pages) {
        assert.deepEqual(await page.history(), stored, `${page.name}’s page shows what is stored`);
        assert.equal(await page.page.locator('[data-status=pending], [data-status=failed]').count(), 0);
        assert.deepEqual(page.complaints, []);
      }
    });

    test('what tabs had not sent that were closed the moment after Enter is sent by a later one', async () => {
      const [ann, bea] = pages as [ChatPage, ChatPage];
      let reachable = false;
      await ann.context.routeWebSocket(/\/ws$/, async (socket) => {
        if (reachable) socket.connectToServer();
        else await socket.close({ code: 4503, reason: 'nodeDraining' });
      });
      await ann.reload();
      const texts = Array.from({ length: 5 }, (_, n) => `from the closed tab ${n + 1}.`);
      for (const text of texts) {
        await ann.write(text);
        await ann.closeTab();
        await ann.openTab();
      }
      reachable = true;
      await ann.reload();
      for (const text of texts) await bea.message(text).waitFor();
      const stored = await store.history(group);
      // Each tab is a device of its own: there is no order between what they send.
      assert.deepEqual(
        stored
          .slice(-texts.length)
          .map(({ sender, text }) => `${sender}: ${text}`)
          .sort(),
        texts.map((text) => `ann: ${text}`),
      );
      await ann.message(stored.at(-1)?.text ?? '').waitFor();
      assert.deepEqual(await ann.history(), stored);
    });

    test('what is stored after all that is sound', async () => {
      assert.match(await site.check(), /all is well/);
    });
  });
}
