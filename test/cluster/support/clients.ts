import { createChatClient } from '../../../sdk/client.ts';
import { MemoryStorage } from '../../../sdk/storage-memory.ts';
import { WebSocketTransport } from '../../../sdk/transport-websocket.ts';
import type { ChatClient } from '../../../sdk/types.ts';
import type { Cluster } from './cluster.ts';

/** Users of a cluster, who leave together. */
export class Clients implements AsyncDisposable {
  readonly #cluster: Cluster;
  readonly #clients: ChatClient[] = [];

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  async online(userId: string, edge: string): Promise<ChatClient> {
    const url = `ws://127.0.0.1:${this.#cluster.get(edge).ports.http}/ws`;
    const client = createChatClient({
      userId,
      transport: new WebSocketTransport({ url }),
      storage: new MemoryStorage(),
    });
    this.#clients.push(client);
    client.start();
    await happened(client, () => client.state.t === 'online');
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) await client.close();
  }
}

/** Resolves once something holds of a client. */
export async function happened(client: ChatClient, holds: () => boolean): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      stop();
      reject(new Error(`never: ${holds.toString()}`));
    }, 60_000);
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

export function textsOf(client: ChatClient, convId: string): string[] {
  return client
    .log(convId)
    .items.flatMap(({ content }) =>
      content.t === 'message' && content.body.content.case === 'text' ? [content.body.content.value] : [],
    );
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

export function headOf(client: ChatClient, convId: string): number {
  return client.log(convId).items.at(-1)?.seq ?? 0;
}
