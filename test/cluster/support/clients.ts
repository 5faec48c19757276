import assert from 'node:assert/strict';
import { createChatClient } from '../../../sdk/client.ts';
import { MemoryStorage } from '../../../sdk/storage-memory.ts';
import { GrpcTransport } from '../../../sdk/transport-grpc.ts';
import { WebSocketTransport } from '../../../sdk/transport-websocket.ts';
import type { ChatClient, LogItem } from '../../../sdk/types.ts';
import { rendezvous } from '../../../services/core/rendezvous.ts';
import { type Cluster, insist } from './cluster.ts';
import { userToken } from './tokens.ts';

const patienceMs = 60_000;

/** Clients of the library on the edges of a cluster. */
export class Clients implements AsyncDisposable {
  readonly #cluster: Cluster;
  readonly #clients: ChatClient[] = [];

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** A user with a token, on an edge; the client tries by itself to get online. */
  async open(userId: string, edge: string, door: 'ws' | 'grpc' = 'ws'): Promise<ChatClient> {
    const { http, grpc } = this.#cluster.get(edge).ports;
    const transport =
      door === 'ws'
        ? new WebSocketTransport({ url: `ws://127.0.0.1:${http}/ws` })
        : new GrpcTransport({ address: `127.0.0.1:${grpc}` });
    const token = await userToken(userId);
    const client = createChatClient({ userId, token, transport, storage: new MemoryStorage() });
    this.#clients.push(client);
    client.start();
    return client;
  }

  /** Resolves once the client is online. */
  async online(userId: string, edge: string, door?: 'ws' | 'grpc'): Promise<ChatClient> {
    const client = await this.open(userId, edge, door);
    await until(client, () => client.state.t === 'online');
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) await client.close();
  }
}

/** Resolves when it holds, looked at whenever something of the client changes. */
export async function until(client: ChatClient, holds: () => boolean): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      stop();
      reject(new Error(`never: ${holds.toString()}; ${client.userId} is ${JSON.stringify(client.state)}`));
    }, patienceMs);
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

/** A few groups of a client, so many that each of the two message nodes owns some of them. */
export async function groupsOnBoth(client: ChatClient, members: readonly string[]): Promise<string[]> {
  const ids = new Map<string, string[]>(['m1', 'm2'].map((nodeId) => [nodeId, []]));
  const nodes = [...ids.keys()].map((nodeId) => ({ nodeId }));
  while ([...ids.values()].some((owned) => owned.length < 2)) {
    const { groupId } = await insist(() => client.groups.create('Team', [...members]));
    ids.get(rendezvous(groupId, nodes)?.nodeId as string)?.push(groupId);
  }
  return [...ids.values()].flat();
}

/** Keeps some sends under way until told to stop; returns what was sent. */
export function talk(client: ChatClient, convId: string, atOnce: number): () => string[] {
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
export async function pause(client: ChatClient, convId: string, messages: number): Promise<void> {
  const head = () => client.log(convId).items.at(-1)?.seq ?? 0;
  const from = head();
  await until(client, () => head() >= from + messages);
}

/** All has been sent, everything is in the log once, each sender's in order, and everybody's end of it is the log's. */
export async function settled(
  cluster: Cluster,
  convId: string,
  all: readonly ChatClient[],
  sent: readonly string[],
): Promise<void> {
  for (const client of all) await until(client, () => client.log(convId).pending.length === 0);
  const log = await cluster.logOf('e1', (all[0] as ChatClient).userId, convId);
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
    const end = log.slice(-items.length);
    assert.deepEqual(
      items.map(({ seq }) => seq),
      end.map(({ seq }) => seq),
    );
    assert.deepEqual(texts(items), end.map(({ text }) => text).filter(Boolean));
  }
}

function texts(items: readonly LogItem[]): string[] {
  return items.flatMap(({ content }) =>
    content.t === 'message' && content.body.content.case === 'text' ? [content.body.content.value] : [],
  );
}

export function textsOf(client: ChatClient, convId: string): string[] {
  return texts(client.log(convId).items);
}

export function headOf(client: ChatClient, convId: string): number {
  return client.log(convId).items.at(-1)?.seq ?? 0;
}
