import { randomBytes } from 'node:crypto';
import { createConnection } from 'mysql2/promise';
import { askKafka } from './kafka-broker.ts';
import { EngineHost, type SharedEngine } from './engine-host.ts';
import { type SqlAddress, sqlAddress } from './mariadb.ts';
import { redisClient } from './redis-server.ts';

/**
 * Engines that test files share: one of each for a run of `npm test`, or one for the file when it runs alone. Each
 * caller gets a place of its own in it, which is emptied on dispose. Who kills or freezes an engine, or changes its
 * settings, starts one of its own (`MariaDb.start()` and so on).
 */

/** Where the run's engines can be had. Not a PARLEY_ variable, since those are the server's. */
export const hostVariable = 'TEST_ENGINES_URL';

let own: EngineHost | undefined;

async function portOf(name: SharedEngine): Promise<number> {
  const url = process.env[hostVariable];
  if (url !== undefined) {
    const response = await fetch(`${url}/${name}`, { headers: { connection: 'close' } });
    const text = await response.text();
    if (!response.ok) throw new Error(`the shared ${name} did not start: ${text}`);
    return Number(text);
  }
  own ??= new EngineHost();
  const port = await own.port(name);
  // It ends with this process, not before: the file's next test may want it.
  await own.unref(name);
  return port;
}

/** Differs between files, processes and calls. Letters and digits only, so that every engine takes it. */
function uniqueName(): string {
  return `t${process.pid}x${randomBytes(5).toString('hex')}`;
}

export interface OwnSchema extends AsyncDisposable {
  readonly address: SqlAddress;
  /** An empty schema, dropped with all that is in it on dispose. */
  readonly database: string;
  /** `mysql://user@host:port/database` */
  readonly url: string;
}

/** A schema of one's own in the shared MariaDB. */
export async function mariaDb(): Promise<OwnSchema> {
  const address = sqlAddress(await portOf('mariadb'));
  const database = uniqueName();
  const query = async (sql: string) => {
    const connection = await createConnection(address);
    try {
      await connection.query(sql);
    } finally {
      await connection.end();
    }
  };
  await query(`CREATE DATABASE ${database}`);
  return {
    address,
    database,
    url: `mysql://${address.user}@${address.host}:${address.port}/${database}`,
    [Symbol.asyncDispose]: () => query(`DROP DATABASE ${database}`),
  };
}

export interface OwnKeys extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** `redis://host:port` */
  readonly url: string;
  /** In front of all keys and channels; keys with it are deleted on dispose. */
  readonly prefix: string;
}

/** Keys of one's own in the shared Redis. */
export async function redis(): Promise<OwnKeys> {
  const port = await portOf('redis');
  const prefix = `${uniqueName()}:`;
  return {
    host: '127.0.0.1',
    port,
    url: `redis://127.0.0.1:${port}`,
    prefix,
    async [Symbol.asyncDispose]() {
      const client = redisClient(port);
      try {
        await client.connect();
        for await (const keys of client.scanStream({ match: `${prefix}*`, count: 1_000 }))
          if (keys.length > 0) await client.unlink(...keys);
      } finally {
        client.disconnect();
      }
    },
  };
}

export interface OwnTopics extends AsyncDisposable {
  /** `host:port`, as clients take them. */
  readonly brokers: string[];
  /** In front of all topics and groups, which are deleted on dispose. Topics are not created by using them. */
  readonly prefix: string;
}

/** Topics and groups of one's own in the shared Kafka. Dispose rejects while a consumer of them is left. */
export async function kafka(): Promise<OwnTopics> {
  const port = await portOf('kafka');
  const prefix = `${uniqueName()}-`;
  const ours = (names: Iterable<string>) => [...names].filter((name) => name.startsWith(prefix));
  return {
    brokers: [`127.0.0.1:${port}`],
    prefix,
    [Symbol.asyncDispose]: () =>
      askKafka(port, async (admin) => {
        const groups = ours((await admin.listGroups()).keys());
        if (groups.length > 0) await admin.deleteGroups({ groups });
        const topics = ours(await admin.listTopics());
        if (topics.length > 0) await admin.deleteTopics({ topics });
      }),
  };
}
