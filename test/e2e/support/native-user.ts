import { createChatClient } from '../../../sdk/client.ts';
import { MemoryStorage } from '../../../sdk/storage-memory.ts';
import { GrpcTransport } from '../../../sdk/transport-grpc.ts';
import type { ChatClient, LogItem } from '../../../sdk/types.ts';
import { recalled, type Shown } from './chat-page.ts';
import { until } from './until.ts';

/** Somebody with the client library on the native door. */
export class NativeUser implements AsyncDisposable {
  readonly name: string;
  readonly client: ChatClient;

  private constructor(name: string, client: ChatClient) {
    this.name = name;
    this.client = client;
  }

  static async signIn(name: string, port: number): Promise<NativeUser> {
    const client = createChatClient({
      transport: new GrpcTransport({ address: `127.0.0.1:${port}` }),
      storage: new MemoryStorage(),
      userId: name,
    });
    client.start();
    const user = new NativeUser(name, client);
    await user.#online();
    return user;
  }

  async #online(): Promise<void> {
    await until(
      () => this.client.state.t === 'online',
      () => `${this.name} is ${JSON.stringify(this.client.state)}`,
    );
  }

  /** Comes back to a server that is there again, sooner than by itself. */
  async reconnect(): Promise<void> {
    await until(
      () => {
        this.client.reconnectNow();
        return this.client.state.t === 'online';
      },
      () => `${this.name} is ${JSON.stringify(this.client.state)}`,
    );
  }

  /** Waits until the user is in the conversation, and follows its log from then on. */
  async open(convId: string): Promise<void> {
    await until(
      () => this.client.conversations.some((one) => one.convId === convId),
      () => `${this.name} hears of ${convId}`,
    );
    this.client.onLog(convId, () => undefined);
  }

  /** Messages and recalled ones that the log holds, oldest first, after fetching what it began without. */
  async history(convId: string): Promise<Shown[]> {
    while (this.client.log(convId).hasOlder) await this.client.loadOlder(convId);
    return this.shown(convId);
  }

  shown(convId: string): Shown[] {
    return this.client.log(convId).items.flatMap(shownOf);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
  }
}

function shownOf({ seq, sender, content }: LogItem): Shown[] {
  if (content.t === 'recalled') return [{ seq, sender, text: recalled }];
  if (content.t !== 'message') return [];
  return [{ seq, sender, text: String(content.body.content.value) }];
}
