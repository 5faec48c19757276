import { Redis } from 'ioredis';
import { Engine, type EngineSpec, engineDirectory } from './engine.ts';
import { freePort } from './free-port.ts';

const askMs = 2_000;

export interface RedisServerOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** Whether a restart finds the data of before (append-only file, synced every second). Default: true. */
  readonly persistent?: boolean;
  /** More of redis.conf, as arguments: `['--maxmemory', '64mb']`. */
  readonly settings?: readonly string[];
}

/** A Redis, for this machine only and without a password. */
export function redisSpec(o: RedisServerOptions & { directory: string; port: number }): EngineSpec {
  return {
    name: 'redis',
    directory: o.directory,
    command: 'redis-server',
    args: [
      ...['--port', `${o.port}`, '--bind', '127.0.0.1', '--dir', o.directory, '--save', ''],
      ...['--appendonly', (o.persistent ?? true) ? 'yes' : 'no', '--loglevel', 'warning'],
      ...(o.settings ?? []),
    ],
    ask: () => askRedis(o.port, 'PING').then(() => undefined),
  };
}

/** A client that gives up instead of trying again; to be connected by the caller. */
export function redisClient(port: number): Redis {
  const client = new Redis({
    ...{ host: '127.0.0.1', port, connectTimeout: askMs, commandTimeout: askMs },
    ...{ lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null },
  });
  // The same error comes as that of connecting or of a command.
  client.on('error', () => {});
  return client;
}

/** Sends one command over a connection of its own. Rejects when it is not answered, or with an error. */
export async function askRedis(port: number, command: string, ...args: string[]): Promise<unknown> {
  const client = redisClient(port);
  try {
    await client.connect();
    return await client.call(command, ...args);
  } finally {
    client.disconnect();
  }
}

/** A private Redis. From Debian's package redis-server. */
export class RedisServer extends Engine {
  readonly port: number;

  private constructor(o: RedisServerOptions & { directory: string; port: number }) {
    super(redisSpec(o));
    this.port = o.port;
  }

  static async start(o: RedisServerOptions = {}): Promise<RedisServer> {
    const port = o.port ?? (await freePort());
    const server = new RedisServer({ ...o, port, directory: await engineDirectory('redis') });
    await server.launch();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** One command over a connection of its own: `ask('FLUSHALL')`. */
  ask(command: string, ...args: string[]): Promise<unknown> {
    return askRedis(this.port, command, ...args);
  }
}
