import type { Logger } from '../../core/log.ts';
import { Scope } from '../../core/scope.ts';
import { type ConnectParts, connectRedis, hangUp, type RedisClient } from './connect.ts';
import type { RedisConnection } from './redis-connection.ts';

const lookEveryMs = 2_000;

type Listener = (message: string) => void;

/**
 * Hints between nodes: published messages, heard over a connection of their own. A hint only makes somebody look sooner
 * than he would anyway: whatever goes wrong here is tried again later, and nobody is told.
 */
export class Subscriber {
  readonly #parts: SubscriberParts;
  readonly #client: RedisClient;
  readonly #scope = new Scope();
  readonly #listeners: ReadonlyMap<string, Set<Listener>>;
  #subscribing = false;

  constructor(parts: SubscriberParts) {
    this.#parts = parts;
    this.#listeners = new Map(parts.channels.map((channel) => [channel, new Set()]));
    this.#client = connectRedis(parts);
    this.#client.on('error', () => {});
    this.#client.on('ready', () => void this.#subscribe());
    this.#client.on('message', (channel: string, message: string) => this.#heard(channel, message));
    // Subscribing again costs nothing, finds out whether anybody is there, and makes good what was refused before.
    this.#scope.interval(lookEveryMs, () => void this.#subscribe());
  }

  /** The function returned ends it. Throws where nobody listens to the channel. */
  on(channel: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(channel);
    if (listeners === undefined) throw new Error(`no channel ${channel}`);
    // Its own closure: the same function may be added twice.
    const entry = (message: string): void => listener(message);
    listeners.add(entry);
    return () => void listeners.delete(entry);
  }

  /** Never rejects. */
  async publish(channel: string, message: string): Promise<void> {
    await this.#parts.connection.run((redis) => redis.publish(channel, message)).catch(() => {});
  }

  close(): void {
    this.#scope.close();
    hangUp(this.#client);
  }

  async #subscribe(): Promise<void> {
    if (this.#subscribing) return;
    this.#subscribing = true;
    try {
      await this.#client.subscribe(...this.#listeners.keys());
    } catch {
      // Redis is away; it is tried again at the next look, and when the connection is there.
    } finally {
      this.#subscribing = false;
    }
  }

  #heard(channel: string, message: string): void {
    for (const listener of this.#listeners.get(channel) ?? []) {
      try {
        listener(message);
      } catch (error) {
        this.#parts.log.error('a hint could not be taken', { 'event.action': 'internal-error' }, error);
      }
    }
  }
}

export interface SubscriberParts extends ConnectParts {
  readonly connection: RedisConnection;
  readonly channels: readonly string[];
  readonly log: Logger;
}
