import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Retry } from '../gen/parley/chat/v1/error_pb.ts';
import { directConvId } from './direct-id.ts';
import { MemoryStorage } from './storage-memory.ts';
import { textContent } from './testing/fake-log.ts';
import { settled } from './testing/turned-clock.ts';
import { texts, World } from './testing/world.ts';
import { ChatError } from './types.ts';

const here = { reason: 'overloaded', retry: Retry.HERE, retryAfterMs: 100 };

describe('a client', () => {
  test('shows what the server has, newest conversation first', async () => {
    await using world = new World();
    const early = world.server.group('early', ['ann', 'bob']);
    early.append('bob', '', textContent('one'));
    const late = world.server.group('late', ['ann', 'bob']);
    late.append('bob', '', textContent('two'));
    world.server.group('foreign', ['bob']);
    const ann = await world.client('ann');
    assert.equal(ann.state.t, 'online');
    assert.deepEqual(
      ann.conversations.map(({ convId, title, unread, memberCount }) => [convId, title, unread, memberCount]),
      [
        ['late', 'late', 1, 2],
        ['early', 'early', 1, 2],
      ],
    );
    assert.equal(ann.conversations, ann.conversations);
    assert.deepEqual(texts(ann.log('early')), ['groupCreated', 'one']);
  });

  test('follows a sync over all its pages', async () => {
    await using world = new World();
    for (let n = 0; n < 10; n++) world.server.group(`g${n}`, ['ann']);
    const ann = await world.client('ann');
    assert.equal(ann.conversations.length, 10);
    world.server.cutAll();
    for (const log of world.server.logs.values()) log.append('bob', '', textContent('news'));
    await world.clock.advance(30_000);
    assert.ok(ann.conversations.every(({ headSeq, unread }) => headSeq === 2 && unread === 1));
  });

  test('two clients talk, and both see the marks of it', async () => {
    await using world = new World();
    const ann = await world.client('ann');
    const bob = await world.client('bob');
    const convId = await ann.direct('bob');
    assert.equal(ann.conversations[0]?.title, 'bob');
    ann.send(convId, 'hello');
    assert.equal(ann.log(convId).pending.length, 1);
    await world.clock.advance(10);
    assert.equal(ann.log(convId).items[0]?.status, 'sent');
    assert.deepEqual(ann.log(convId).pending, []);
    await world.clock.advance(1_000);
    assert.equal(ann.log(convId).items[0]?.status, 'delivered');
    const [conversation] = bob.conversations;
    assert.deepEqual(
      [conversation?.convId, conversation?.peer, conversation?.unread, conversation?.last?.clientId !== ''],
      [convId, 'ann', 1, true],
    );
    bob.markRead(convId, 1);
    assert.equal(bob.conversations[0]?.unread, 0);
    await world.clock.advance(1_000);
    assert.equal(ann.log(convId).items[0]?.status, 'read');
    bob.send(convId, 'hello yourself');
    await world.clock.advance(10);
    assert.deepEqual(texts(ann.log(convId)), ['hello', 'hello yourself']);
    assert.equal(ann.conversations[0]?.unread, 1);
    assert.equal(world.server.logs.get(convId)?.convId, directConvId('bob', 'ann'));
  });

  test('many commands of one turn travel in few frames, within the limits', async () => {
    await using world = new World();
    world.server.group('g', ['ann']);
    const ann = await world.client('ann');
    world.server.commandCounts.length = 0;
    for (let n = 0; n < 40; n++) ann.send('g', `${n}`);
    await world.clock.advance(10);
    assert.deepEqual(world.server.commandCounts, [16, 16, 8]);
    assert.deepEqual(
      texts(ann.log('g')).slice(1),
      Array.from({ length: 40 }, (_, n) => `${n}`),
    );
  });

  test('sends made offline arrive once there is a server, in their order', async () => {
    await using world = new World();
    world.server.down = true;
    const ann = await world.client('ann');
    assert.equal(ann.state.t, 'waiting');
    const convId = await ann.direct('bob');
    for (const text of ['one', 'two', 'three']) ann.send(convId, text);
    await world.clock.advance(60_000);
    assert.equal(ann.log(convId).pending.length, 3);
    world.server.down = false;
    ann.reconnectNow();
    await world.clock.advance(1_000);
    assert.deepEqual(texts(ann.log(convId)), ['one', 'two', 'three']);
  });

  test('a send whose answer was lost is not repeated', async () => {
    await using world = new World();
    const log = world.server.group('g', ['ann', 'bob']);
    const ann = await world.client('ann');
    world.server.cutAfterNextCommit();
    ann.send('g', 'once');
    await world.clock.advance(5);
    assert.equal(ann.state.t, 'waiting');
    await world.clock.advance(30_000);
    assert.equal(log.entries.length, 2);
    assert.deepEqual(texts(ann.log('g')), ['groupCreated', 'once']);
    assert.deepEqual(ann.log('g').pending, []);
  });

  test('a refusal that may pass keeps the order', async () => {
    await using world = new World();
    world.server.group('g', ['ann']);
    const ann = await world.client('ann');
    world.server.refuseNext(here);
    for (const text of ['one', 'two', 'three']) ann.send('g', text);
    await world.clock.advance(50);
    ann.send('g', 'four');
    await world.clock.advance(5_000);
    assert.deepEqual(texts(ann.log('g')).slice(1), ['one', 'two', 'three', 'four']);
  });

  test('a refusal for good is shown, and may be tried again or discarded', async () => {
    await using world = new World();
    const log = world.server.group('g', ['ann']);
    const ann = await world.client('ann');
    log.members.delete('ann');
    const [one, two] = [ann.send('g', 'one'), ann.send('g', 'two')];
    await world.clock.advance(100);
    assert.deepEqual(
      ann.log('g').pending.map(({ status, problem }) => [status, problem]),
      [
        ['failed', 'notMember'],
        ['failed', 'notMember'],
      ],
    );
    log.members.add('ann');
    ann.discard(one);
    ann.retry(two);
    await world.clock.advance(100);
    assert.deepEqual(texts(ann.log('g')).slice(1), ['two']);
    assert.deepEqual(ann.log('g').pending, []);
  });

  test('"elsewhere" makes it connect again', async () => {
    await using world = new World();
    world.server.group('g', ['ann']);
    const ann = await world.client('ann');
    const before = ann.state;
    world.server.refuseNext({ reason: 'ownerLost', retry: Retry.ELSEWHERE });
    ann.send('g', 'one');
    await world.clock.advance(5_000);
    assert.notDeepEqual(ann.state, before);
    assert.deepEqual(texts(ann.log('g')).slice(1), ['one']);
  });

  test('what happened while it was away is there when it is back', async () => {
    await using world = new World();
    const log = world.server.group('g', ['ann', 'bob']);
    const ann = await world.client('ann');
    world.server.cutAll();
    world.server.down = true;
    await world.clock.advance(100);
    for (let n = 0; n < 60; n++) log.append('bob', '', textContent(`${n}`));
    world.server.down = false;
    await world.clock.advance(30_000);
    assert.equal(ann.log('g').items.length, 61, 'the gap before the newest entries was filled');
    assert.equal(ann.conversations[0]?.unread, 60);
  });

  test('a gap that is too wide begins the log anew, unless somebody looks at it', async () => {
    for (const looked of [false, true]) {
      await using world = new World();
      const log = world.server.group('g', ['ann', 'bob']);
      const ann = await world.client('ann');
      if (looked) ann.onLog('g', () => undefined);
      world.server.cutAll();
      for (let n = 0; n < 300; n++) log.append('bob', '', textContent(`${n}`));
      await world.clock.advance(30_000);
      const { items, hasOlder } = ann.log('g');
      assert.equal(items.at(-1)?.seq, 301);
      assert.deepEqual([items.length, hasOlder], looked ? [301, false] : [20, true]);
      assert.equal(ann.conversations[0]?.unread, 300);
    }
  });

  test('older entries come when they are asked for', async () => {
    await using world = new World();
    const log = world.server.group('g', ['ann', 'bob']);
    for (let n = 0; n < 100; n++) log.append('bob', '', textContent(`${n}`));
    const ann = await world.client('ann', { limits: { olderPage: 15 } });
    ann.onLog('g', () => undefined);
    assert.equal(ann.log('g').items.length, 20);
    const loading = ann.loadOlder('g');
    assert.equal(ann.loadOlder('g'), loading, 'one page at a time');
    assert.equal(ann.log('g').loadingOlder, true);
    await Promise.all([loading, settled()]);
    assert.deepEqual([ann.log('g').items.length, ann.log('g').loadingOlder], [35, false]);
    while (ann.log('g').hasOlder) await Promise.all([ann.loadOlder('g'), settled()]);
    assert.deepEqual(
      ann.log('g').items.map((item) => item.seq),
      Array.from({ length: 101 }, (_, at) => at + 1),
    );
  });

  test('keeps no more of a log than its limits say', async () => {
    await using world = new World();
    const log = world.server.group('g', ['ann', 'bob']);
    const ann = await world.client('ann', { limits: { tailItems: 30, heldItems: 100 } });
    for (let n = 0; n < 150; n++) world.server.publish(log, log.append('bob', '', textContent(`${n}`)));
    await world.clock.advance(100);
    assert.ok(ann.log('g').items.length < 60);
    const unsubscribe = ann.onLog('g', () => undefined);
    while (ann.log('g').items.length < 100) await Promise.all([ann.loadOlder('g'), settled()]);
    await assert.rejects(ann.loadOlder('g'), { reason: 'tooMuchLoaded' });
    unsubscribe();
    assert.equal(ann.log('g').items.length, 30);
  });

  test('pushes that were withheld and announced are fetched', async () => {
    await using world = new World();
    const log = world.server.group('g', ['ann', 'bob']);
    const ann = await world.client('ann');
    const [session] = world.server.sessionsOf('ann');
    assert.ok(session);
    session.lagging = true;
    for (let n = 0; n < 30; n++) world.server.publish(log, log.append('bob', '', textContent(`${n}`)));
    world.server.catchUp(session);
    await world.clock.advance(1_000);
    assert.equal(ann.log('g').items.length, 31);
    assert.equal(log.delivered.get('ann'), 31);
  });

  test('an acknowledged send whose entry does not come is fetched', async () => {
    await using world = new World();
    world.server.group('g', ['ann']);
    const ann = await world.client('ann');
    for (const session of world.server.sessions) session.lagging = true;
    ann.send('g', 'one');
    await world.clock.advance(10);
    assert.equal(ann.log('g').pending.length, 1, 'not gone before it is in the log');
    await world.clock.advance(3_000);
    assert.deepEqual(texts(ann.log('g')).slice(1), ['one']);
    assert.deepEqual(ann.log('g').pending, []);
  });

  test('a group that appears is in the list once it has a name', async () => {
    await using world = new World();
    const ann = await world.client('ann');
    const log = world.server.group('new', ['ann', 'bob']);
    const titles = new Set<string>();
    ann.onChange(() => {
      for (const { title } of ann.conversations) titles.add(`${title}, ${ann.conversations[0]?.memberCount}`);
    });
    world.server.publish(log, log.append('bob', '', textContent('welcome')));
    await world.clock.advance(200);
    assert.deepEqual([...titles], ['new, 2']);
    assert.deepEqual(texts(ann.log('new')), ['groupCreated', 'welcome']);
  });

  test('a restored store is followed: what it lacks is gone, and what waits is sent again', async () => {
    await using world = new World();
    const log = world.server.group('g', ['ann', 'bob']);
    const ann = await world.client('ann');
    for (let n = 0; n < 10; n++) world.server.publish(log, log.append('bob', '', textContent(`${n}`)));
    await world.clock.advance(100);
    world.server.cutAll();
    world.server.epoch = 'epoch-2';
    log.truncate(5);
    log.append('bob', '', textContent('another history'));
    ann.send('g', 'mine');
    await world.clock.advance(30_000);
    assert.deepEqual(texts(ann.log('g')), ['groupCreated', '0', '1', '2', '3', 'another history', 'mine']);
  });

  test('a log that lost its end without telling is begun anew', async () => {
    await using world = new World();
    const log = world.server.group('g', ['ann', 'bob']);
    const ann = await world.client('ann');
    for (let n = 0; n < 10; n++) world.server.publish(log, log.append('bob', '', textContent(`${n}`)));
    await world.clock.advance(100);
    world.server.cutAll();
    log.truncate(5);
    for (let n = 0; n < 8; n++) log.append('bob', '', textContent(`new ${n}`));
    await world.clock.advance(30_000);
    assert.deepEqual(
      ann.log('g').items.map((item) => item.msgId),
      log.entries.map((entry) => entry.msgId.toString()),
    );
  });

  test('a reload goes on where it was: conversations, places, and sends with their ids', async () => {
    await using world = new World();
    const log = world.server.group('g', ['ann', 'bob']);
    const storage = new MemoryStorage();
    const before = await world.client('ann', { storage });
    world.server.publish(log, log.append('bob', '', textContent('hello')));
    await world.clock.advance(1_000);
    world.server.down = true;
    world.server.cutAll();
    await world.clock.advance(10);
    const clientId = before.send('g', 'unsent');
    await before.close();
    const after = await world.client('ann', { storage });
    assert.deepEqual(texts(after.log('g')), ['groupCreated', 'hello']);
    assert.deepEqual([after.conversations[0]?.title, after.conversations[0]?.unread], ['g', 1]);
    assert.equal(after.log('g').pending[0]?.clientId, clientId);
    world.server.down = false;
    await world.clock.advance(60_000);
    assert.deepEqual(texts(after.log('g')), ['groupCreated', 'hello', 'unsent']);
    assert.deepEqual((await storage.load()).pending, []);
  });

  test('what another user left behind is not shown', async () => {
    await using world = new World();
    world.server.group('g', ['ann']);
    const storage = new MemoryStorage();
    await (await world.client('ann', { storage })).close();
    const bob = await world.client('bob', { storage });
    assert.deepEqual(bob.conversations, []);
  });

  test('a recall is seen by everybody', async () => {
    await using world = new World();
    world.server.group('g', ['ann', 'bob']);
    const ann = await world.client('ann');
    const bob = await world.client('bob');
    ann.send('g', 'oops');
    await world.clock.advance(10);
    await Promise.all([ann.recall('g', 2), settled()]);
    await Promise.all([ann.recall('g', 2), settled()]);
    for (const client of [ann, bob]) {
      assert.deepEqual(texts(client.log('g')), ['groupCreated', 'recalled', 'recall']);
      assert.equal(client.conversations[0]?.last?.content.t, 'recalled');
    }
  });

  test('typing is shown, and ends with the message', async () => {
    await using world = new World();
    world.server.group('g', ['ann', 'bob']);
    const ann = await world.client('ann');
    const bob = await world.client('bob');
    bob.typing('g', true);
    await world.clock.advance(10);
    assert.deepEqual(ann.conversations[0]?.typing, ['bob']);
    bob.send('g', 'there');
    await world.clock.advance(10);
    assert.deepEqual(ann.conversations[0]?.typing, []);
    bob.typing('g', true);
    await world.clock.advance(10);
    assert.deepEqual(ann.conversations[0]?.typing, ['bob']);
    await world.clock.advance(6_000);
    assert.deepEqual(ann.conversations[0]?.typing, []);
  });

  test('presence is told to those who ask, and unknown while offline', async () => {
    await using world = new World();
    const ann = await world.client('ann');
    await world.client('bob');
    assert.equal(ann.presence('bob'), undefined);
    assert.equal(ann.presence('eve'), undefined);
    await world.clock.advance(100);
    assert.deepEqual([ann.presence('bob')?.online, ann.presence('eve')?.online], [true, false]);
    world.server.down = true;
    world.server.cutAll();
    await world.clock.advance(10);
    assert.equal(ann.presence('bob'), undefined);
    world.server.down = false;
    await world.clock.advance(30_000);
    assert.equal(ann.presence('bob')?.online, true);
  });

  test('two devices of one user agree about what was read', async () => {
    await using world = new World();
    const log = world.server.group('g', ['ann', 'bob']);
    const phone = await world.client('ann');
    const desk = await world.client('ann');
    for (let n = 0; n < 5; n++) world.server.publish(log, log.append('bob', '', textContent(`${n}`)));
    await world.clock.advance(10);
    phone.markRead('g', 4);
    await world.clock.advance(1_000);
    assert.deepEqual([phone.conversations[0]?.unread, desk.conversations[0]?.unread], [2, 2]);
    phone.send('g', 'I have seen all of it');
    await world.clock.advance(1_000);
    assert.deepEqual([phone.conversations[0]?.unread, desk.conversations[0]?.unread], [0, 0]);
  });

  test('a newer session of the same device ends the older for good', async () => {
    await using world = new World();
    const older = await world.client('ann', { deviceId: 'tab' });
    await world.client('ann', { deviceId: 'tab' });
    await world.clock.advance(60_000);
    assert.deepEqual(older.state, { t: 'ended', reason: 'superseded' });
  });

  test('a refused token is an end, and starting again another attempt', async () => {
    await using world = new World();
    world.server.helloRefusal = { reason: 'tokenInvalid', retry: Retry.NEVER };
    const ann = await world.client('ann');
    assert.deepEqual(ann.state, { t: 'ended', reason: 'tokenInvalid' });
    world.server.helloRefusal = undefined;
    ann.start();
    await world.clock.advance(100);
    assert.equal(ann.state.t, 'online');
  });

  test('a dead line is noticed and replaced', async () => {
    await using world = new World();
    world.server.group('g', ['ann']);
    const ann = await world.client('ann');
    for (const session of world.server.sessions) session.dead = true;
    ann.send('g', 'into the void');
    await world.clock.advance(120_000);
    assert.equal(ann.state.t, 'online');
    assert.deepEqual(texts(ann.log('g')).slice(1), ['into the void']);
  });

  test('listeners hear of changes once per turn', async () => {
    await using world = new World();
    const log = world.server.group('g', ['ann', 'bob']);
    const ann = await world.client('ann');
    let changes = 0;
    let logChanges = 0;
    ann.onChange(() => changes++);
    const stop = ann.onLog('g', () => logChanges++);
    for (let n = 0; n < 50; n++) ann.send('g', `${n}`);
    await settled();
    assert.ok(changes > 0 && changes < 8, `${changes} calls`);
    assert.ok(logChanges > 0 && logChanges <= changes);
    stop();
    const before = logChanges;
    world.server.publish(log, log.append('bob', '', textContent('unheard')));
    await settled();
    assert.equal(logChanges, before);
  });

  test('what can be told to be wrong is refused at once', async () => {
    await using world = new World();
    const ann = await world.client('ann', { limits: { pendingSends: 2 } });
    const reasonOf = (act: () => unknown): string => {
      try {
        act();
      } catch (error) {
        if (error instanceof ChatError) return error.reason;
      }
      return '';
    };
    assert.equal(
      reasonOf(() => ann.send('g', '')),
      'emptyContent',
    );
    assert.equal(
      reasonOf(() => ann.send('g', 'x'.repeat(1_001))),
      'contentTooLarge',
    );
    world.server.cutAll();
    await settled();
    ann.send('g', 'one');
    ann.send('g', 'two');
    assert.equal(
      reasonOf(() => ann.send('g', 'three')),
      'tooManyPending',
    );
    await assert.rejects(ann.recall('g', 1), { reason: 'offline', retry: 'elsewhere' });
  });

  test('group calls are repeated with the same client id where that may help', async () => {
    await using world = new World();
    const ann = await world.client('ann');
    const asked: unknown[] = [];
    world.server.unary = (method, request) => {
      asked.push(request);
      if (asked.length === 1) throw new ChatError('groupsUnavailable', '', 'here', 10);
      return { group: { groupId: 'made', name: method } };
    };
    const creating = ann.groups.create('Team', ['bob']);
    await world.clock.advance(10_000);
    assert.equal((await creating).groupId, 'made');
    assert.equal(asked.length, 2);
    assert.deepEqual(asked[0], asked[1]);
    world.server.unary = () => {
      throw new ChatError('notAllowed', '');
    };
    await assert.rejects(ann.groups.rename('made', 'x'), { reason: 'notAllowed' });
  });
});
