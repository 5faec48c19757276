import { type CachedPage, DirectoryError, type PageCache, type PageKey } from '../../ports/directory.ts';
import type { Keys } from './keys.ts';
import type { RedisConnection } from './redis-connection.ts';

/** Pages as values that expire; Redis's own `maxmemory-policy` decides what goes when it is full. */
export class RedisPageCache implements PageCache {
  readonly maxPageBytes: number;
  readonly #parts: RedisPageCacheParts;
  /** Of pages on their way to Redis. */
  #bytes = 0;

  constructor(parts: RedisPageCacheParts) {
    this.#parts = parts;
    this.maxPageBytes = parts.pageBytes;
  }

  async get(pages: readonly PageKey[]): Promise<readonly (Uint8Array | undefined)[]> {
    const { connection, keys } = this.#parts;
    const { meters } = connection;
    // One by one: their keys lie in many places of a cluster.
    const found = await Promise.all(
      pages.map((page) => quietly(connection.run((redis) => redis.getBuffer(keys.page(page))))),
    );
    return found.map((rows) => {
      const known = rows ?? undefined;
      if (known === undefined) meters.pageMisses += 1;
      else meters.pageHits += 1;
      return known;
    });
  }

  async put(pages: readonly CachedPage[]): Promise<void> {
    await Promise.all(pages.map((page) => this.#put(page)));
  }

  async #put({ key, rows }: CachedPage): Promise<void> {
    const { connection, keys, ttlMs, pendingBytes } = this.#parts;
    const size = rows.byteLength;
    if (size > this.maxPageBytes || this.#bytes + size > pendingBytes) {
      connection.meters.pagesDropped += 1;
      return;
    }
    this.#bytes += size;
    try {
      const value = Buffer.from(rows.buffer, rows.byteOffset, size);
      await quietly(connection.run((redis) => redis.set(keys.page(key), value, 'PX', ttlMs)));
    } finally {
      this.#bytes -= size;
    }
  }
}

/** A cache that can't be reached is an empty one. */
async function quietly<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof DirectoryError) return undefined;
    throw error;
  }
}

export interface RedisPageCacheParts {
  readonly connection: RedisConnection;
  readonly keys: Keys;
  readonly ttlMs: number;
  readonly pageBytes: number;
  readonly pendingBytes: number;
}
