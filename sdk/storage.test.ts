import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { IDBFactory } from 'fake-indexeddb';
import type { QueuedSend } from './pending.ts';
import type { ClientStorage } from './storage.ts';
import { openIndexedDbStorage } from './storage-indexeddb.ts';
import { MemoryStorage } from './storage-memory.ts';
import { FakeLocks } from './testing/fake-locks.ts';

class Tab {
  readonly #items = new Map<string, string>();
  /** A duplicated tab begins with a copy. */
  constructor(of?: Tab) {
    if (of !== undefined) for (const [key, value] of of.#items) this.#items.set(key, value);
  }
  getItem(key: string): string | null {
    return this.#items.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    this.#items.set(key, value);
  }
}

/** One browser: its database and its locks. */
class Browser {
  readonly locks: FakeLocks | undefined;
  readonly #factory = new IDBFactory();
  readonly #databases: IDBDatabase[] = [];
  readonly indexedDB: Pick<IDBFactory, 'open'> = {
    open: (...args) => {
      const request = this.#factory.open(...args);
      request.addEventListener('success', () => this.#databases.push(request.result));
      return request;
    },
  };
  /** Without locks: one that has the page not served securely. */
  constructor(locks: FakeLocks | undefined) {
    this.locks = locks;
  }
  open(tab: Tab, name = 'ann'): Promise<ClientStorage> {
    return openIndexedDbStorage({ name, indexedDB: this.indexedDB, sessionStorage: tab, locks: this.locks });
  }
  /** As it does to a page that it had put to sleep, or whose data were cleared. */
  closeDatabases(): void {
    for (const database of this.#databases.splice(0)) database.close();
  }
}

const send = (clientId: string, order: number): QueuedSend => ({
  clientId,
  userId: '',
  convId: 'c',
  peer: 'bob',
  text: clientId,
  createdAtMs: 5,
  order,
  problem: '',
});

const names = (sends: readonly QueuedSend[]): string[] => sends.map((one) => one.clientId);

/** What the storage takes over until it is closed. */
async function adoptedUntilClosed(storage: ClientStorage): Promise<string[]> {
  const taken: string[] = [];
  storage.onAdopted((sends) => taken.push(...names(sends)));
  await storage.close();
  return taken;
}

/** What the storage takes over next. */
function adopted(storage: ClientStorage): Promise<readonly QueuedSend[]> {
  return new Promise((resolve) => storage.onAdopted(resolve));
}

const kinds: [
  name: string,
  open: () => Promise<{ first: ClientStorage; again: () => Promise<ClientStorage> }>,
][] = [
  [
    'in memory',
    async () => {
      const first = new MemoryStorage();
      return { first, again: async () => first };
    },
  ],
  [
    'in IndexedDB',
    async () => {
      const browser = new Browser(new FakeLocks());
      const tab = new Tab();
      const first = await browser.open(tab);
      return {
        first,
        again: async () => {
          await first.close();
          return browser.open(tab);
        },
      };
    },
  ],
];

for (const [name, open] of kinds)
  describe(`storage ${name}`, () => {
    test('begins empty', async () => {
      const { first } = await open();
      assert.deepEqual(await first.load(), { userId: '', epoch: '', conversations: [], pending: [] });
      await first.close();
    });

    test('keeps sends in their order, and the device', async () => {
      const { first, again } = await open();
      await Promise.all(
        [send('two', 2), send('one', 1), send('three', 3)].map((one) => first.savePending(one)),
      );
      await first.savePending({ ...send('three', 3), problem: 'notMember' });
      await first.removePending('two');
      const second = await again();
      assert.equal(second.deviceId, first.deviceId);
      const { pending } = await second.load();
      assert.deepEqual(pending, [send('one', 1), { ...send('three', 3), problem: 'notMember' }]);
      await second.close();
    });

    test('keeps conversations until their epoch is over', async () => {
      const { first, again } = await open();
      await first.reset({ userId: 'ann', epoch: 'e1' });
      await first.saveConversations([
        { convId: 'a', state: new Uint8Array([1]) },
        { convId: 'b', state: new Uint8Array([2]) },
      ]);
      await first.saveConversations([{ convId: 'a', state: new Uint8Array([3]) }]);
      await first.savePending(send('one', 1));
      const second = await again();
      const stored = await second.load();
      assert.deepEqual([stored.userId, stored.epoch], ['ann', 'e1']);
      assert.deepEqual(
        stored.conversations.map(({ convId, state }) => [convId, ...state]),
        [
          ['a', 3],
          ['b', 2],
        ],
      );
      await second.reset({ userId: 'ann', epoch: 'e2' });
      const after = await second.load();
      assert.deepEqual([after.epoch, after.conversations, names(after.pending)], ['e2', [], ['one']]);
      await second.close();
    });
  });

describe('tabs of one browser', () => {
  test('keep on storing after the browser has closed the database', async () => {
    const browser = new Browser(new FakeLocks());
    const tab = new Tab();
    const storage = await browser.open(tab);
    browser.closeDatabases();
    await storage.savePending(send('one', 1));
    browser.closeDatabases();
    assert.deepEqual(names((await storage.load()).pending), ['one']);
    await storage.close();
  });

  test('are devices of their own, a duplicated one, too', async () => {
    const browser = new Browser(new FakeLocks());
    const tab = new Tab();
    const one = await browser.open(tab);
    const other = await browser.open(new Tab());
    const duplicate = await browser.open(new Tab(tab));
    assert.equal(new Set([one.deviceId, other.deviceId, duplicate.deviceId]).size, 3);
    for (const storage of [one, other, duplicate]) await storage.close();
    assert.equal(browser.locks?.held.size, 0);
  });

  test('share conversations and keep their sends apart', async () => {
    const browser = new Browser(new FakeLocks());
    const [one, other] = [await browser.open(new Tab()), await browser.open(new Tab())];
    await one.savePending(send('mine', 1));
    await one.saveConversations([{ convId: 'a', state: new Uint8Array([1]) }]);
    const seen = await other.load();
    assert.deepEqual([seen.pending.length, seen.conversations.length], [0, 1]);
    await one.close();
    await other.close();
  });

  test('take over what a closed tab has left, once, in order and with the client ids', async () => {
    const browser = new Browser(new FakeLocks());
    const gone = await browser.open(new Tab());
    await gone.savePending(send('b', 2));
    await gone.savePending(send('a', 1));
    await gone.close();
    const heir = await browser.open(new Tab());
    assert.deepEqual(await adopted(heir), [send('a', 1), send('b', 2)]);
    assert.deepEqual(names((await heir.load()).pending), ['a', 'b']);
    const late = await browser.open(new Tab());
    assert.deepEqual(await adoptedUntilClosed(late), [], 'they are another tab’s already');
    await heir.close();
  });

  test('leave a living tab its sends', async () => {
    const browser = new Browser(new FakeLocks());
    const one = await browser.open(new Tab());
    await one.savePending(send('mine', 1));
    const other = await browser.open(new Tab());
    assert.deepEqual(await adoptedUntilClosed(other), [], 'its owner lives');
    assert.deepEqual(names((await one.load()).pending), ['mine']);
    await one.close();
  });

  test('without locks take over what has waited for a minute', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: 3_600_000 });
    const browser = new Browser(undefined);
    const one = await browser.open(new Tab());
    await one.savePending(send('b', 2));
    await one.savePending({ ...send('a', 1), createdAtMs: Date.now() });
    await one.close();
    const early = await browser.open(new Tab());
    assert.deepEqual(await adoptedUntilClosed(early), [], 'its owner may be about to send it');
    t.mock.timers.tick(60_000);
    const late = await browser.open(new Tab());
    assert.deepEqual(await adoptedUntilClosed(late), ['a', 'b']);
  });

  test('without locks take nothing over that they know of', async () => {
    const browser = new Browser(undefined);
    const one = await browser.open(new Tab());
    await one.savePending(send('mine', 1));
    const other = await browser.open(new Tab());
    assert.deepEqual(await adoptedUntilClosed(other), ['mine']);
    assert.deepEqual(await adoptedUntilClosed(one), [], 'it waits in this one’s memory');
    const heir = await browser.open(new Tab());
    assert.deepEqual(await adoptedUntilClosed(heir), ['mine'], 'nothing is lost by that');
  });

  test('keep their users apart', async () => {
    const browser = new Browser(new FakeLocks());
    const ann = await browser.open(new Tab(), 'ann');
    await ann.savePending(send('mine', 1));
    await ann.close();
    const bob = await browser.open(new Tab(), 'bob');
    assert.deepEqual((await bob.load()).pending, []);
    assert.deepEqual(await adoptedUntilClosed(bob), []);
  });
});
