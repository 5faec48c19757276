import { Cluster, type Redis } from 'ioredis';
import type { Logger } from '../../core/log.ts';
import { DirectoryError } from '../../ports/directory.ts';
import { connectRedis, type ConnectParts, hangUp, type RedisClient } from './connect.ts';
import { connected, lost } from './events.ts';
import type { RedisMeters } from './meters.ts';
import type { Script } from './script.ts';

export interface ConnectionParts extends ConnectParts {
  readonly maxPending: number;
  readonly log: Logger;
  readonly meters: RedisMeters;
}

/** Nodes of a cluster come and go, each time under another address maybe. */
const nodesRemembered = 1_000;

/**
 * The connection that commands go over. Each command ends within the timeout, whatever Redis does: it is answered, or
 * rejects with a DirectoryError. So many wait at a time, and further ones are refused.
 */
export class RedisConnection {
  readonly meters: RedisMeters;
  readonly #parts: ConnectionParts;
  readonly #client: RedisClient;
  #ready = false;
  #told: 'nothing' | 'connected' | 'lost' = 'nothing';
  #generation = 0;
  /** Nodes of the cluster that were connected to before. */
  readonly #nodes = new Set<string>();
  /** Those that held the cluster's slots when it was last asked who does. */
  #masters: ReadonlySet<string> = new Set();
  #closed = false;
  /** Why the connection is about to close. */
  #lastError: Error | undefined;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
    this.meters = parts.meters;
    this.#client = connectRedis(parts);
    this.#client.on('ready', () => this.#connected());
    this.#client.on('close', () => this.#lost(undefined));
    this.#client.on('error', (error: Error) => this.#lost(error));
    this.#client.on('+node', (node: Redis) => this.#watchNode(node));
    this.#client.on('refresh', () => this.#watchMasters());
  }

  /** Changes whenever Redis, or a part of the cluster, was connected to anew or is served by another one. */
  get generation(): number {
    return this.#generation;
  }

  /** Resolves when commands are taken, or after this time at the latest: with whether they are. */
  async whenReady(withinMs: number): Promise<boolean> {
    if (this.#ready || this.#closed) return this.#ready;
    const ready = Promise.withResolvers<void>();
    const timer = setTimeout(ready.resolve, withinMs);
    this.#client.once('ready', ready.resolve);
    await ready.promise;
    clearTimeout(timer);
    this.#client.off('ready', ready.resolve);
    return this.#ready;
  }

  /** Carries out one command, or a few that belong together. */
  async run<T>(command: (redis: RedisClient) => Promise<T>): Promise<T> {
    const { meters } = this;
    if (!this.#ready || this.#closed || meters.pending >= this.#parts.maxPending) {
      meters.refused += 1;
      const why = this.#ready && !this.#closed ? 'has too much to do' : 'is out of reach';
      throw new DirectoryError('unavailable', `the directory ${why}`);
    }
    meters.pending += 1;
    meters.commands += 1;
    let timer: NodeJS.Timeout | undefined;
    try {
      // ioredis times each try of a command; what it tries again elsewhere in a cluster is bounded here.
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => {
          meters.timeouts += 1;
          reject(new Error(`no answer within ${this.#parts.commandTimeoutMs} ms`));
        }, this.#parts.commandTimeoutMs);
      });
      return await Promise.race([command(this.#client), late]);
    } catch (error) {
      meters.failures += 1;
      throw new DirectoryError('unavailable', 'the directory did not answer as it should', error);
    } finally {
      clearTimeout(timer);
      meters.pending -= 1;
    }
  }

  /** Runs a script: by its digest, and whole where Redis does not know it yet. All keys lie in one slot. */
  script(
    { sha, source }: Script,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<unknown> {
    return this.run(async (redis) => {
      try {
        return await redis.evalsha(sha, keys.length, ...keys, ...args);
      } catch (error) {
        if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
        return redis.eval(source, keys.length, ...keys, ...args);
      }
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#ready = false;
    hangUp(this.#client);
  }

  #connected(): void {
    this.#ready = true;
    this.#lastError = undefined;
    this.#renewed();
    if (this.#told === 'connected') return;
    this.#told = 'connected';
    connected(this.#parts);
  }

  /** A single master of a cluster that was away may have come back empty. Its first connection is none anew. */
  #watchNode(node: Redis): void {
    const name = nameOf(node);
    if (this.#nodes.size >= nodesRemembered) this.#nodes.clear();
    node.on('ready', () => {
      if (this.#nodes.has(name)) this.#renewed();
      this.#nodes.add(name);
    });
  }

  /** A replica that takes over in a cluster may lack the last writes, and may have been connected to all along. */
  #watchMasters(): void {
    if (!(this.#client instanceof Cluster)) return;
    const before = this.#masters;
    const masters = this.#client.nodes('master').map(nameOf);
    this.#masters = new Set(masters);
    if (before.size > 0 && masters.some((name) => !before.has(name))) this.#renewed();
  }

  #renewed(): void {
    this.#generation += 1;
  }

  #lost(error: Error | undefined): void {
    // In a cluster one node's trouble is told as an error of all; the client itself knows better.
    if (error !== undefined) this.#lastError = error;
    if (error !== undefined && this.#client.status === 'ready') return;
    this.#ready = false;
    if (this.#told === 'lost' || this.#closed) return;
    this.#told = 'lost';
    lost(this.#parts, this.#lastError);
  }
}

function nameOf({ options }: Redis): string {
  return `${options.host}:${options.port}`;
}
