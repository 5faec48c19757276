import assert from 'node:assert/strict';
import { type ChatClientOptions, createChatClient } from '../client.ts';
import { MemoryStorage } from '../storage-memory.ts';
import type { ChatClient, ConversationLog } from '../types.ts';
import { FakeServer } from './fake-server.ts';
import { TurnedClock } from './turned-clock.ts';

/** A fake server, a clock that is turned by hand, and the clients of a test; all of them leave nothing behind. */
export class World {
  readonly server = new FakeServer();
  readonly clock = new TurnedClock();
  readonly clients: ChatClient[] = [];

  async client(userId: string, options: Partial<ChatClientOptions> = {}): Promise<ChatClient> {
    const client = createChatClient({
      transport: this.server.transport(),
      storage: new MemoryStorage(),
      userId,
      clock: this.clock,
      random: () => 0.5,
      ...options,
    });
    this.clients.push(client);
    client.start();
    await this.clock.advance(500);
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.clients) await client.close();
    assert.equal(this.clock.timers, 0, 'a closed client leaves no timer');
    assert.equal(this.server.sessions.size, 0, 'a closed client leaves no session');
  }
}

/** Of the items of a log: a message's text, or else what it is. */
export const texts = (log: ConversationLog): string[] =>
  log.items.map((item) =>
    item.content.t === 'message' && item.content.body.content.case === 'text'
      ? item.content.body.content.value
      : item.content.t,
  );
