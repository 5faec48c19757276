import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { Role } from '../gen/parley/chat/v1/entry_pb.ts';
import { type ChatClientOptions, createChatClient } from './client.ts';
import { MemoryStorage } from './storage-memory.ts';
import { LiveServer } from './testing/live-server.ts';
import { GrpcTransport } from './transport-grpc.ts';
import { WebSocketTransport } from './transport-websocket.ts';
import type { ChatClient, LogItem } from './types.ts';

let server: LiveServer;
let clients: ChatClient[] = [];

before(async () => {
  server = await LiveServer.start();
});

after(() => server[Symbol.asyncDispose]());

afterEach(async () => {
  for (const client of clients) await client.close();
  clients = [];
});

async function webSocket(userId: string, options: Partial<ChatClientOptions> = {}): Promise<ChatClient> {
  return online({ userId, transport: new WebSocketTransport({ url: server.webSocketUrl }), ...options });
}

async function grpc(userId: string, options: Partial<ChatClientOptions> = {}): Promise<ChatClient> {
  return online({ userId, transport: new GrpcTransport({ address: server.grpcAddress }), ...options });
}

async function online(options: Omit<ChatClientOptions, 'storage'>): Promise<ChatClient> {
  const client = createChatClient({ storage: new MemoryStorage(), ...options });
  clients.push(client);
  client.start();
  await until(client, () => client.state.t === 'online');
  return client;
}

/** Waits for a change after which something holds. */
async function until(client: ChatClient, holds: () => boolean): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`never: ${holds.toString()}`)), 60_000);
    const look = (): void => {
      if (!holds()) return;
      clearTimeout(timer);
      stop();
      resolve();
    };
    const stop = client.onChange(look);
    look();
  });
}

const texts = (items: readonly LogItem[]): string[] =>
  items.map(({ content }) =>
    content.t === 'message' && content.body.content.case === 'text' ? content.body.content.value : content.t,
  );

/** Item by item, so that a difference can be read. Statuses are the own user's alone. */
function assertSame(one: readonly LogItem[], other: readonly LogItem[]): void {
  assert.equal(one.length, other.length);
  for (const [at, item] of one.entries())
    assert.deepEqual(withoutStatus(item), withoutStatus(other[at] as LogItem));
}

function withoutStatus(item: LogItem): LogItem {
  return { ...item, status: undefined };
}

const summary = (client: ChatClient, convId: string) =>
  client.conversations.find((one) => one.convId === convId);

describe('against the real server', () => {
  test('a browser’s transport and a native one talk with each other', async () => {
    const ann = await webSocket('ann');
    const bob = await grpc('bob');
    const convId = await ann.direct('bob');
    assert.equal(await bob.direct('ann'), convId);
    ann.send(convId, 'hello');
    ann.send(convId, 'are you there?');
    await until(bob, () => bob.log(convId).items.length === 2);
    await until(ann, () => ann.log(convId).items.length === 2);
    assert.deepEqual(texts(bob.log(convId).items), ['hello', 'are you there?']);
    assert.deepEqual([summary(bob, convId)?.unread, summary(bob, convId)?.peer], [2, 'ann']);
    await until(ann, () => ann.log(convId).items.every((item) => item.status === 'delivered'));
    bob.markRead(convId, 2);
    assert.equal(summary(bob, convId)?.unread, 0);
    await until(ann, () => ann.log(convId).items.every((item) => item.status === 'read'));
    bob.send(convId, 'yes');
    await until(ann, () => summary(ann, convId)?.unread === 1);
    assert.deepEqual(ann.log(convId).pending, []);
  });

  test('typing and presence', async () => {
    const ann = await webSocket('typing-ann');
    const bob = await grpc('typing-bob');
    const convId = await ann.direct('typing-bob');
    ann.send(convId, 'hello');
    await until(bob, () => summary(bob, convId)?.headSeq === 1);
    await until(ann, () => ann.presence('typing-bob')?.online === true);
    bob.typing(convId, true);
    await until(ann, () => summary(ann, convId)?.typing.join() === 'typing-bob');
    bob.typing(convId, false);
    await until(ann, () => summary(ann, convId)?.typing.length === 0);
    await bob.close();
    await until(ann, () => ann.presence('typing-bob')?.online === false);
    assert.ok((ann.presence('typing-bob')?.lastSeenAtMs ?? 0) > 0);
  });

  test('a group from its creation to leaving it', async () => {
    const ann = await webSocket('group-ann');
    const bob = await grpc('group-bob');
    const { groupId } = await ann.groups.create('Team', ['group-bob']);
    await until(bob, () => summary(bob, groupId)?.title === 'Team');
    assert.deepEqual([summary(bob, groupId)?.role, summary(bob, groupId)?.memberCount], [Role.MEMBER, 2]);
    await assert.rejects(bob.groups.rename(groupId, 'Mine'), { reason: 'notAllowed', retry: 'never' });
    await ann.groups.rename(groupId, 'Our team');
    await until(bob, () => summary(bob, groupId)?.title === 'Our team');
    await ann.groups.setRole(groupId, 'group-bob', Role.ADMIN);
    await until(bob, () => summary(bob, groupId)?.role === Role.ADMIN);
    await bob.groups.add(groupId, ['group-eve']);
    const names: string[] = [];
    for await (const member of bob.groups.members(groupId)) names.push(member.userId);
    assert.deepEqual(names.sort(), ['group-ann', 'group-bob', 'group-eve']);
    const eve = await webSocket('group-eve');
    await until(eve, () => summary(eve, groupId)?.memberCount === 3);
    assert.equal((await eve.groups.get(groupId)).name, 'Our team');
    eve.send(groupId, 'hello all');
    await until(ann, () => texts(ann.log(groupId).items).includes('hello all'));
    const { seq = 0 } = ann.log(groupId).items.at(-1) ?? {};
    await until(eve, () => eve.log(groupId).items.at(-1)?.status === 'delivered');
    for (const reader of [ann, bob]) reader.markRead(groupId, seq);
    await until(eve, () => eve.log(groupId).items.at(-1)?.status === 'read');
    await bob.groups.remove(groupId, 'group-eve');
    await until(eve, () => summary(eve, groupId)?.left === true);
    eve.send(groupId, 'still here?');
    await until(eve, () => eve.log(groupId).pending[0]?.status === 'failed');
    assert.equal(eve.log(groupId).pending[0]?.problem, 'notMember');
    await bob.groups.leave(groupId);
    await until(ann, () => summary(ann, groupId)?.memberCount === 1);
    await assert.rejects(ann.groups.create('Again', [], groupId), { reason: 'groupExists' });
  });

  test('those who come back to a group see where they were away', async () => {
    const ann = await webSocket('back-ann');
    const bob = await grpc('back-bob');
    const { groupId } = await ann.groups.create('Team', ['back-bob']);
    ann.send(groupId, 'before');
    await until(bob, () => texts(bob.log(groupId).items).includes('before'));
    await ann.groups.remove(groupId, 'back-bob');
    await until(bob, () => summary(bob, groupId)?.left === true);
    ann.send(groupId, 'behind his back');
    await until(ann, () => texts(ann.log(groupId).items).includes('behind his back'));
    await ann.groups.add(groupId, ['back-bob']);
    await until(bob, () => summary(bob, groupId)?.left === false);
    ann.send(groupId, 'after');
    await until(bob, () => texts(bob.log(groupId).items).includes('after'));
    assert.deepEqual(
      texts(bob.log(groupId).items).filter((text) => text !== 'memberRemoved'),
      ['groupCreated', 'before', 'hidden', 'membersAdded', 'after'],
    );
    await until(bob, () => summary(bob, groupId)?.unread === 1 && summary(bob, groupId)?.memberCount === 2);
  });

  test('history, recall, and a second device that has it all', async () => {
    const ann = await webSocket('history-ann');
    const { groupId } = await ann.groups.create('Notes', []);
    for (let n = 1; n <= 120; n++) ann.send(groupId, `note ${n}`);
    await until(ann, () => ann.log(groupId).items.length === 121);
    await ann.recall(groupId, 50);
    const phone = await grpc('history-ann');
    await until(phone, () => phone.log(groupId).items.length > 0);
    phone.onLog(groupId, () => undefined);
    while (phone.log(groupId).hasOlder) await phone.loadOlder(groupId);
    await until(ann, () => ann.log(groupId).items.length === 122);
    assertSame(phone.log(groupId).items, ann.log(groupId).items);
    assert.deepEqual(phone.log(groupId).items[49]?.content, { t: 'recalled', by: 'history-ann' });
  });

  for (const [name, open] of [
    ['WebSocket', webSocket],
    ['gRPC', grpc],
  ] as const) {
    test(`over ${name} a newer session of the same device ends the older`, async () => {
      const older = await open(`twice-${name}`, { deviceId: 'tab' });
      await open(`twice-${name}`, { deviceId: 'tab' });
      await until(older, () => older.state.t === 'ended');
      assert.deepEqual(older.state, { t: 'ended', reason: 'superseded' });
    });

    test(`over ${name} a token that is none is an end`, async () => {
      const transport =
        name === 'gRPC'
          ? new GrpcTransport({ address: server.grpcAddress })
          : new WebSocketTransport({ url: server.webSocketUrl });
      const client = createChatClient({ storage: new MemoryStorage(), transport, token: 'none' });
      clients.push(client);
      client.start();
      await until(client, () => client.state.t === 'ended');
      assert.deepEqual(client.state, { t: 'ended', reason: 'tokenInvalid' });
      await assert.rejects(client.groups.get('g'), { reason: 'tokenInvalid', retry: 'never' });
    });

    test(`over ${name} a server that stops is followed when it is back`, async () => {
      const ann = await open(`stop-${name}`);
      const { groupId } = await ann.groups.create('Notes', []);
      for (let n = 0; n < 20; n++) ann.send(groupId, `${n}`);
      const stopping = server.stop();
      for (let n = 20; n < 40; n++) ann.send(groupId, `${n}`);
      await stopping;
      await server.start();
      ann.reconnectNow();
      await until(ann, () => ann.log(groupId).items.length === 41);
      assert.deepEqual(
        texts(ann.log(groupId).items).slice(1),
        Array.from({ length: 40 }, (_, n) => `${n}`),
      );
    });
  }

  test('nothing that was sent is lost or repeated when the server is killed', async () => {
    const ann = await webSocket('crash-ann');
    const bob = await grpc('crash-bob');
    const { groupId } = await ann.groups.create('Crash', ['crash-bob']);
    await until(bob, () => summary(bob, groupId) !== undefined);
    for (const client of [ann, bob]) client.onLog(groupId, () => undefined);
    const sent = { ann: [] as string[], bob: [] as string[] };
    for (let round = 0; round < 2; round++) {
      for (let n = 0; n < 40; n++) {
        sent.ann.push(ann.send(groupId, `ann ${round} ${n}`));
        sent.bob.push(bob.send(groupId, `bob ${round} ${n}`));
      }
      const some = 2 + 80 * round;
      await until(ann, () => ann.log(groupId).items.length > some);
      await server.kill();
      await until(ann, () => ann.state.t !== 'online');
      sent.ann.push(ann.send(groupId, `ann offline ${round}`));
      await server.start();
      ann.reconnectNow();
      bob.reconnectNow();
      await until(ann, () => ann.state.t === 'online');
    }
    const total = 1 + sent.ann.length + sent.bob.length;
    for (const client of [ann, bob]) {
      await until(client, () => client.log(groupId).items.length === total);
      assert.deepEqual(client.log(groupId).pending, []);
    }
    assertSame(ann.log(groupId).items, bob.log(groupId).items);
    for (const [name, ids] of Object.entries(sent))
      assert.deepEqual(
        ann
          .log(groupId)
          .items.filter((item) => item.sender === `crash-${name}` && item.content.t === 'message')
          .map((item) => item.clientId),
        ids,
      );
  });
});
