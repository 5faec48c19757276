import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createChatClient } from '../../sdk/client.ts';
import { MemoryStorage } from '../../sdk/storage-memory.ts';
import { GrpcTransport } from '../../sdk/transport-grpc.ts';
import { WebSocketTransport } from '../../sdk/transport-websocket.ts';
import type { ChatClient, LogItem } from '../../sdk/types.ts';
import { Cluster } from './support/cluster.ts';

/** Everything in here talks to six processes, a database and a Redis. */

let cluster: Cluster;
const clients: ChatClient[] = [];

before(async () => {
  cluster = await Cluster.start();
});
after(async () => {
  for (const client of clients) await client.close();
  await cluster[Symbol.asyncDispose]();
});

async function online(userId: string, edge: string, door: 'ws' | 'grpc' = 'ws'): Promise<ChatClient> {
  const { http, grpc } = cluster.get(edge).ports;
  const transport =
    door === 'ws'
      ? new WebSocketTransport({ url: `ws://127.0.0.1:${http}/ws` })
      : new GrpcTransport({ address: `127.0.0.1:${grpc}` });
  const client = createChatClient({ userId, transport, storage: new MemoryStorage() });
  clients.push(client);
  client.start();
  await until(client, () => client.state.t === 'online');
  return client;
}

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
  items.flatMap(({ content }) =>
    content.t === 'message' && content.body.content.case === 'text' ? [content.body.content.value] : [],
  );

/** The whole log as an edge tells it. */
async function logOf(edge: string, userId: string, convId: string): Promise<{ seq: number; text: string }[]> {
  const log: { seq: number; text: string }[] = [];
  for (;;) {
    const response = await fetch(
      `http://127.0.0.1:${cluster.get(edge).ports.http}/parley.chat.v1.MessageService/ListMessages`,
      {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'parley-user': userId },
        body: JSON.stringify({ list: { convId, fromSeq: `${log.length + 1}`, limit: 200 } }),
      },
    );
    assert.ok(response.ok, `${response.status}`);
    const answer = (await response.json()) as {
      entries?: { entries?: { seq: string; message?: { text?: string } }[] };
    };
    const entries = answer.entries?.entries ?? [];
    if (entries.length === 0) return log;
    for (const { seq, message } of entries) log.push({ seq: Number(seq), text: message?.text ?? '' });
  }
}

/** All has been sent, everything is in the log once, each sender's in order, and everybody's end of it is the log's. */
async function settled(convId: string, all: readonly ChatClient[], sent: readonly string[]): Promise<void> {
  for (const client of all) await until(client, () => client.log(convId).pending.length === 0);
  const log = await logOf('e1', (all[0] as ChatClient).userId, convId);
  assert.deepEqual(
    log.map(({ seq }) => seq),
    log.map((_, at) => at + 1),
  );
  const had = log.map(({ text }) => text).filter(Boolean);
  assert.deepEqual(had.toSorted(), sent.toSorted());
  for (const sender of new Set(sent.map((text) => text.slice(0, text.lastIndexOf(' '))))) {
    const own = (list: readonly string[]) => list.filter((text) => text.startsWith(`${sender} `));
    assert.deepEqual(own(had), own(sent), `the order of ${sender}`);
  }
  for (const client of all) {
    await until(client, () => client.log(convId).items.at(-1)?.seq === log.length);
    const { items } = client.log(convId);
    assert.deepEqual(
      items.map(({ seq }) => seq),
      log.slice(-items.length).map(({ seq }) => seq),
    );
    assert.deepEqual(
      texts(items),
      log
        .slice(-items.length)
        .map(({ text }) => text)
        .filter(Boolean),
    );
  }
}

/** Keeps some sends under way until told to stop; returns what was sent. */
function talk(client: ChatClient, convId: string, atOnce: number): () => string[] {
  const sent: string[] = [];
  let going = true;
  const fill = (): void => {
    while (going && client.log(convId).pending.length < atOnce) {
      const text = `${client.userId} ${sent.length}`;
      sent.push(text);
      client.send(convId, text);
    }
  };
  const stop = client.onLog(convId, fill);
  fill();
  return () => {
    going = false;
    stop();
    return sent;
  };
}

/** Waits until so many more messages have come. */
async function pause(client: ChatClient, convId: string, messages: number): Promise<void> {
  const head = () => client.log(convId).items.at(-1)?.seq ?? 0;
  const from = head();
  await until(client, () => head() >= from + messages);
}

describe('a cluster', () => {
  test('is one chat, whichever edge and door its users come by', async () => {
    const ann = await online('ann', 'e1');
    const bob = await online('bob', 'e2', 'grpc');
    const direct = await ann.direct('bob');
    for (const text of ['ann 0', 'ann 1']) ann.send(direct, text);
    await until(bob, () => bob.log(direct).items.length === 2);
    bob.send(direct, 'bob 0');
    await settled(direct, [ann, bob], ['ann 0', 'ann 1', 'bob 0']);
    await until(ann, () => ann.presence('bob')?.online === true);
    const { groupId } = await ann.groups.create('Team', ['bob']);
    bob.send(groupId, 'bob 0');
    ann.send(groupId, 'ann 0');
    await settled(groupId, [ann, bob], ['ann 0', 'bob 0']);
  });

  for (const victim of ['m1', 'm2'])
    test(`loses nothing and repeats nothing when ${victim} is killed under load, and takes it back`, async () => {
      const [ann, bob] = [await online(`ann ${victim}`, 'e1'), await online(`bob ${victim}`, 'e2')];
      const { groupId } = await ann.groups.create('Team', [`bob ${victim}`]);
      const stops = [talk(ann, groupId, 20), talk(bob, groupId, 20)];
      await pause(ann, groupId, 100);
      await cluster.get(victim).kill();
      await pause(ann, groupId, 200);
      await cluster.get(victim).start();
      await pause(ann, groupId, 200);
      await settled(
        groupId,
        [ann, bob],
        stops.flatMap((stop) => stop()),
      );
    });

  test('hands everything over when a node is asked to go, under load', async () => {
    const [ann, bob] = [await online('ann d', 'e1'), await online('bob d', 'e2')];
    const { groupId } = await ann.groups.create('Team', ['bob d']);
    const stops = [talk(ann, groupId, 20), talk(bob, groupId, 20)];
    for (const name of ['m1', 'm2', 'g1', 'g2']) {
      await pause(ann, groupId, 50);
      await cluster.get(name).drain();
      await pause(ann, groupId, 50);
      await cluster.get(name).start();
    }
    await pause(ann, groupId, 100);
    await settled(
      groupId,
      [ann, bob],
      stops.flatMap((stop) => stop()),
    );
  });

  test('has told of no error', () => {
    for (const one of cluster.processes.values()) assert.deepEqual(one.complaints, [], one.name);
  });
});
