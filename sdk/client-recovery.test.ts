import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { IDBFactory } from 'fake-indexeddb';
import { openIndexedDbStorage } from './storage-indexeddb.ts';
import { MemoryStorage } from './storage-memory.ts';
import { textContent } from './testing/fake-log.ts';
import { settled } from './testing/turned-clock.ts';
import { texts, World } from './testing/world.ts';

describe('a client that comes back', () => {
  test('shows an acknowledged send no longer as on its way when its log has begun anew behind it', async () => {
    await using world = new World();
    const log = world.server.group('garden', ['ann', 'bob']);
    const ann = await world.client('ann');
    world.server.cutAfterNextCommit();
    ann.send('garden', 'hello');
    await world.clock.advance(10);
    assert.equal(ann.log('garden').pending.length, 1);
    for (let no = 0; no < 200; no += 1) log.append('bob', '', textContent(`${no}`));
    await world.clock.advance(30_000);
    assert.equal(texts(ann.log('garden')).at(-1), '199');
    assert.ok(!texts(ann.log('garden')).includes('hello'), 'it is further back than what is held');
    assert.deepEqual(ann.log('garden').pending, []);
  });

  test('keeps the newest entry that came while the server wrote what changed', async () => {
    await using world = new World();
    const log = world.server.group('garden', ['ann', 'bob']);
    for (let no = 0; no < 50; no += 1) log.append('bob', '', textContent(`${no}`));
    const ann = await world.client('ann');
    world.server.cutAll();
    for (let no = 50; no < 300; no += 1) log.append('bob', '', textContent(`${no}`));
    world.server.beforeChanges = () => {
      world.server.beforeChanges = undefined;
      world.server.publish(log, log.append('bob', '', textContent('live')));
    };
    await world.clock.advance(5_000);
    assert.equal(texts(ann.log('garden')).at(-1), 'live');
  });

  test('can still load what is older when nobody looked any more as the page came', async () => {
    await using world = new World();
    const log = world.server.group('garden', ['ann', 'bob']);
    for (let no = 1; no < 100; no += 1) log.append('bob', '', textContent(`${no}`));
    const limits = { tailItems: 20, olderPage: 40 };
    const ann = await world.client('ann', { limits });
    const end = ann.onLog('garden', () => undefined);
    while (ann.log('garden').items.length < 60) {
      const loading = ann.loadOlder('garden');
      await world.clock.advance(10);
      await loading;
    }
    const last = ann.loadOlder('garden');
    end();
    await world.clock.advance(10);
    await last;
    assert.equal(ann.log('garden').items.length, 20);
    assert.equal(ann.log('garden').hasOlder, true);
  });
});

describe('a log that was stored', () => {
  /** ann, who has read all and has no connection yet. */
  async function returning(world: World) {
    const storage = new MemoryStorage();
    const log = world.server.group('garden', ['ann', 'bob']);
    const before = await world.client('ann', { storage });
    world.server.publish(log, log.append('bob', '', textContent('yesterday')));
    await world.clock.advance(10);
    before.markRead('garden', 2);
    await world.clock.advance(100);
    await before.close();
    world.server.down = true;
    const ann = await world.client('ann', { storage });
    assert.equal(ann.log('garden').stored, true);
    return { ann, log };
  }

  for (const missed of [0, 5, 50])
    test(`says so until it is as the server has it: ${missed} later`, async () => {
      await using world = new World();
      const { ann, log } = await returning(world);
      for (let no = 0; no < missed; no += 1) log.append('bob', '', textContent(`${no}`));
      const told = new Set<string>();
      ann.onLog('garden', () => {
        const { stored, items } = ann.log('garden');
        const [summary] = ann.conversations;
        if (!stored) told.add(`${items.at(-1)?.seq}: ${summary?.unread} behind ${summary?.readSeq}`);
      });
      world.server.calm();
      ann.reconnectNow();
      await world.clock.advance(1_000);
      assert.deepEqual([...told], [`${2 + missed}: ${missed} behind 2`]);
    });

  test('says so no longer where what is missing is not to be had', async () => {
    await using world = new World();
    const { ann, log } = await returning(world);
    for (let no = 0; no < 50; no += 1) log.append('bob', '', textContent(`${no}`));
    log.page = () => [];
    ann.onLog('garden', () => undefined);
    world.server.calm();
    ann.reconnectNow();
    await world.clock.advance(1_000);
    assert.deepEqual([ann.log('garden').stored, ann.log('garden').items.length], [false, 2]);
  });
});

/** A tab's own. */
function sessionStorage(): Pick<Storage, 'getItem' | 'setItem'> {
  const items = new Map<string, string>();
  return { getItem: (key) => items.get(key) ?? null, setItem: (key, value) => void items.set(key, value) };
}

describe('tabs of which nobody can tell whether they live', () => {
  test('send what both hold once and in order, and leave nothing stored', async () => {
    await using world = new World();
    const log = world.server.group('garden', ['ann']);
    const indexedDB = new IDBFactory();
    const open = () =>
      openIndexedDbStorage({ name: 'ann', indexedDB, sessionStorage: sessionStorage(), locks: undefined });
    const one = await world.client('ann', { storage: await open() });
    world.server.down = true;
    world.server.cutAll();
    await world.clock.advance(10);
    for (const text of ['a', 'b', 'c']) one.send('garden', text);
    const other = await world.client('ann', { storage: await open() });
    while (other.log('garden').pending.length < 3) await settled();
    world.server.calm();
    for (const client of [one, other]) client.reconnectNow();
    await world.clock.advance(1_000);
    for (const client of [one, other]) {
      assert.deepEqual(texts(client.log('garden')), ['groupCreated', 'a', 'b', 'c']);
      assert.deepEqual(client.log('garden').pending, []);
      await client.close();
    }
    assert.equal(log.accepted.length, 3);
    const heir = await open();
    const left: unknown[] = [];
    heir.onAdopted((sends) => left.push(...sends));
    await heir.close();
    assert.deepEqual(left, []);
  });
});

describe('a storage that two users have used', () => {
  for (const [name, signIn] of [
    ['by name', (userId: string) => ({ userId })],
    ['by token', (userId: string) => ({ userId: '', getToken: async () => userId })],
  ] as const)
    test(`sends each one’s messages as theirs, signed in ${name}`, async () => {
      await using world = new World();
      const log = world.server.group('garden', ['ann', 'bob']);
      const storage = new MemoryStorage();
      const ann = await world.client('', { storage, ...signIn('ann') });
      world.server.down = true;
      world.server.cutAll();
      await world.clock.advance(10);
      ann.send('garden', 'of ann');
      await ann.close();
      world.server.calm();

      const bob = await world.client('', { storage, ...signIn('bob') });
      bob.send('garden', 'of bob');
      await world.clock.advance(1_000);
      assert.deepEqual(bob.log('garden').pending, []);
      await bob.close();
      assert.deepEqual(
        log.accepted.map(({ sender }) => sender),
        ['bob'],
      );
      await world.client('', { storage, ...signIn('ann') });
      await world.clock.advance(1_000);
      assert.deepEqual(
        log.accepted.map(({ sender }) => sender),
        ['bob', 'ann'],
      );
      assert.deepEqual((await storage.load()).pending, []);
    });
});
