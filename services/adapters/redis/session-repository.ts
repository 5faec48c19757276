import { Client, Repository, Schema } from 'redis-om';
import type { RedisConnection } from './redis-connection.ts';

/** A session as redis-om keeps it: a hash of these fields, which needs no module of Redis. */
export interface SessionEntity {
  readonly user: string;
  readonly device: string;
  readonly node: string;
  readonly session: number;
  /** Milliseconds since 1970. */
  readonly since: number;
  // redis-om wants entities to be open.
  readonly [field: string]: string | number;
}

export interface RepositoryParts {
  readonly connection: RedisConnection;
  /** In front of each entity's id in its key. */
  readonly schema: string;
  readonly ttlMs: number;
}

/** Sessions as entities of redis-om. What is saved expires after the time to live. */
export function sessionRepository({ connection, schema, ttlMs }: RepositoryParts): Repository<SessionEntity> {
  const fields = {
    user: { type: 'string' },
    device: { type: 'string' },
    node: { type: 'string' },
    session: { type: 'number' },
    since: { type: 'number' },
  } as const;
  const client = new Client();
  client.useNoClose(clientOf(connection, ttlMs) as unknown as Parameters<Client['useNoClose']>[0]);
  return new Repository<SessionEntity>(
    new Schema<SessionEntity>(schema, fields, { dataStructure: 'HASH' }),
    client,
  );
}

/** As much of the client that redis-om knows (node-redis) as saving, fetching and removing hashes takes. */
function clientOf(connection: RedisConnection, ttlMs: number) {
  return {
    hGetAll: (key: string) => connection.run((redis) => redis.hgetall(key)),
    unlink: (keys: string[]) => connection.run((redis) => redis.unlink(...keys)),
    expire: (key: string, seconds: number) => connection.run((redis) => redis.expire(key, seconds)),
    multi: () => new Replacement(connection, ttlMs),
  };
}

/** The only transaction of redis-om: a hash takes another one's place. */
class Replacement {
  readonly #connection: RedisConnection;
  readonly #ttlMs: number;
  #key = '';
  #fields: Record<string, string> = {};

  constructor(connection: RedisConnection, ttlMs: number) {
    this.#connection = connection;
    this.#ttlMs = ttlMs;
  }

  unlink(key: string): this {
    this.#key = key;
    return this;
  }

  hSet(_key: string, fields: Record<string, string>): this {
    this.#fields = fields;
    return this;
  }

  exec(): Promise<void> {
    return this.#connection.run(async (redis) => {
      // Replacing a hash takes its expiry away. Set again later, it would be missing for ever after a crash in between.
      const transaction = redis.multi().unlink(this.#key).hset(this.#key, this.#fields);
      const answers = await transaction.pexpire(this.#key, this.#ttlMs).exec();
      if (answers === null) throw new Error('the transaction was given up');
      for (const [error] of answers) if (error !== null) throw error;
    });
  }
}
