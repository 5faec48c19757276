import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { launchChromium } from '../../../bridge/web/preview/testing.ts';
import { ChatPage, recalled, type Shown } from '../support/chat-page.ts';
import { ConnectUser } from '../support/connect-user.ts';
import { JsonUser } from '../support/json-user.ts';
import { NativeUser } from '../support/native-user.ts';
import { PlainUser } from '../support/plain-user.ts';
import { RestUser } from '../support/rest-user.ts';
import type { Site } from '../support/site.ts';
import { until } from '../support/until.ts';

/** One way into the group: what its user says, and what that user was shown, in the order in which it came. */
interface Door {
  readonly name: string;
  say(text: string): Promise<void>;
  shown(): Promise<Shown[]>;
}

const names = ['ann', 'bea', 'gus', 'pia', 'joe', 'rex', 'con'] as const;

/** Everybody at once, by all doors; half of them at another edge than the other half. */
export function doorsOf(site: Site): void {
  describe(`${site.what}: two browsers, a gRPC client, sockets, REST and Connect in one group`, () => {
    const stack = new AsyncDisposableStack();
    let doors: readonly Door[];
    let group: string;
    let ann: ChatPage;
    let bea: ChatPage;
    let gus: NativeUser;
    let pia: PlainUser;
    let joe: JsonUser;
    let rex: RestUser;
    let con: ConnectUser;

    before(async () => {
      const [one, other] = [site.edge(0), site.edge(1)];
      const browser = await launchChromium();
      stack.defer(() => browser.close());
      ann = stack.use(await ChatPage.signIn(browser, one.pageUrl, 'ann'));
      group = await ann.createGroup('Seven doors', names.slice(1));
      bea = stack.use(await ChatPage.signIn(browser, other.pageUrl, 'bea'));
      await bea.open(group);
      gus = stack.use(await NativeUser.signIn('gus', other.ports.grpc));
      await gus.open(group);
      pia = stack.use(await PlainUser.open('pia', one.ports.ws));
      joe = stack.use(await JsonUser.signIn('joe', other.ports.ws));
      rex = new RestUser('rex', one.pageUrl);
      con = new ConnectUser('con', other.pageUrl);
      doors = [
        { name: 'ann', say: (text) => ann.say(text), shown: () => ann.history() },
        { name: 'bea', say: (text) => bea.say(text), shown: () => bea.history() },
        {
          name: 'gus',
          say: async (text) => void gus.client.send(group, text),
          shown: () => gus.history(group),
        },
        { name: 'pia', say: (text) => pia.send(group, text), shown: async () => pia.heard(group) },
        { name: 'joe', say: (text) => joe.send(group, text), shown: async () => joe.heard(group) },
        { name: 'rex', say: (text) => rex.send(group, text), shown: () => rex.history(group) },
        { name: 'con', say: (text) => con.send(group, text), shown: () => con.history(group) },
      ];
    });
    after(() => stack.disposeAsync());

    /** Waits until every door shows this message, and resolves with what each shows by then. */
    async function everywhere(text: string): Promise<Map<string, Shown[]>> {
      const shown = new Map<string, Shown[]>();
      for (const door of doors)
        await until(
          async () => {
            shown.set(door.name, await door.shown());
            return shown.get(door.name)?.some((one) => one.text === text) === true;
          },
          () => `${door.name} is shown “${text}” among ${JSON.stringify(shown.get(door.name))}`,
        );
      return shown;
    }

    test('what each says at the same time reaches all, from whom it is, once, in one order', async () => {
      await Promise.all(doors.map((door) => door.say(`hello from ${door.name}`)));
      for (const name of names) await everywhere(`hello from ${name}`);
      // Behind it, whatever came twice has come.
      await ann.say('that was all of us');
      const shown = await everywhere('that was all of us');
      const store = await rex.history(group);
      assert.deepEqual(
        store.map(({ sender, text }) => `${sender}: ${text}`).sort(),
        [...names.map((name) => `${name}: hello from ${name}`), 'ann: that was all of us'].sort(),
      );
      for (const [name, one] of shown) assert.deepEqual(one, store, `${name} was shown something else`);
    });

    test('senders see their messages delivered once everybody has them, and read once everybody read them', async () => {
      await bea.say('who has this?');
      await everywhere('who has this?');
      // Those that are served by calls have what they list when they say so; whoever sends has read.
      const head = (await rex.history(group)).at(-1)?.seq ?? 0;
      joe.acknowledge(group);
      await rex.send(group, 'rex has');
      await con.send(group, 'con has');
      await everywhere('con has');
      joe.acknowledge(group);
      await rex.markRead(group, head + 2);
      await con.markRead(group, head + 2);
      await bea.shows('who has this?', 'delivered');
      await pia.send(group, 'pia read it');
      await everywhere('pia read it');
      for (const reader of [rex, con, joe]) await reader.markRead(group, head + 3);
      gus.client.markRead(group, head + 3);
      await bea.shows('who has this?', 'read');
      await ann.shows('that was all of us', 'read');
    });

    test('a direct message is delivered at once, and read when the other page is looked at', async () => {
      const conv = await gus.client.direct('ann');
      const sent = gus.client.send(conv, 'just you');
      const status = () => gus.client.log(conv).items.find(({ clientId }) => clientId === sent)?.status;
      gus.client.onLog(conv, () => undefined);
      await until(
        () => status() === 'delivered',
        () => `it is ${status()}`,
      );
      await ann.page.locator(`[data-conv="${conv}"]`).click();
      await ann.message('just you').waitFor();
      await until(
        () => status() === 'read',
        () => `it is ${status()}`,
      );
      await ann.say('and you');
      await ann.shows('and you', 'delivered');
      gus.client.markRead(conv, 2);
      await ann.shows('and you', 'read');
      await ann.open(group);
    });

    test('what is recalled is gone for everybody; its place stays', async () => {
      await ann.say('not meant for you');
      await everywhere('not meant for you');
      const before = await rex.history(group);
      await ann.recall('not meant for you');
      const expected = before.map((one) =>
        one.text === 'not meant for you' ? { ...one, text: recalled } : one,
      );
      // A plain socket has only messages: what it was shown can't be taken back.
      for (const door of doors.filter(({ name }) => name !== 'pia'))
        await until(
          async () => JSON.stringify(await door.shown()) === JSON.stringify(expected),
          () => `${door.name} is shown the message as recalled`,
        );
      assert.deepEqual(pia.heard(group), before);
      await ann.page.getByText('You recalled this message').waitFor();
      await bea.page.getByText('ann recalled this message').waitFor();
    });

    test('the pages had nothing to complain about', () => {
      assert.deepEqual([...ann.complaints, ...bea.complaints], []);
    });
  });
}
