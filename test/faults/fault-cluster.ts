import { CallError, type ParleyPorts } from '../../bench/targets/parley.ts';
import { Cluster, twoOfEach, type ClusterProcess } from '../cluster/support/cluster.ts';
import type { Site } from '../crash/site.ts';
import { freePort } from '../engines/free-port.ts';
import { MariaDb, type MariaDbOptions } from '../engines/mariadb.ts';
import { RedisServer } from '../engines/redis-server.ts';

const schema = 'parley';

/** Two doors of the cluster: by one process, or by a bridge and the connection node behind it. */
interface Edge {
  readonly browsers: ClusterProcess;
  readonly native: ClusterProcess;
}

/** What faults are made in: a site of traffic, and the processes behind it. */
export interface FaultSite extends Site {
  readonly processes: readonly ClusterProcess[];
}

export interface FaultClusterOptions {
  /** Default: one MariaDB, killed and frozen at will. */
  readonly databaseUrl?: string;
  /** Of the MariaDB, where it is the cluster's own. */
  readonly database?: MariaDbOptions;
  /** More of redis.conf, as arguments. */
  readonly redisSettings?: readonly string[];
  readonly env?: Environment;
  /** For single processes, besides what all have. */
  readonly envOf?: (name: string) => Environment;
  /** The address by which a process reaches the engines, where that is not this machine's own. */
  readonly enginesFrom?: (name: string) => string;
  /** What a process is run by. */
  readonly prefixOf?: (name: string) => readonly string[];
  /** The program that a process runs, asked at each start; this checkout's unless given. */
  readonly mainOf?: (name: string) => string;
  /** Processes besides the usual ones, by their roles. */
  readonly more?: Environment;
  /** Those of all processes that are not started with the others. */
  readonly later?: readonly string[];
}

type Environment = Readonly<Record<string, string>>;

/** A cluster on engines of its own, which may be killed, and the site that traffic is made against. */
export class FaultCluster implements FaultSite, AsyncDisposable {
  readonly cluster: Cluster;
  readonly redis: RedisServer;
  readonly #database: MariaDb | undefined;
  readonly #edges: readonly Edge[];
  readonly #stack: AsyncDisposableStack;

  private constructor(parts: {
    cluster: Cluster;
    redis: RedisServer;
    database: MariaDb | undefined;
    stack: AsyncDisposableStack;
  }) {
    this.cluster = parts.cluster;
    this.redis = parts.redis;
    this.#database = parts.database;
    this.#stack = parts.stack;
    const one = (name: string): ClusterProcess => parts.cluster.get(name);
    this.#edges = [
      { browsers: one('e1'), native: one('e1') },
      { browsers: one('b2'), native: one('c2') },
    ];
  }

  /** Two message and two group nodes, one edge, and one split into a bridge and a connection node. */
  static async start(o: FaultClusterOptions = {}): Promise<FaultCluster> {
    await using stack = new AsyncDisposableStack();
    const database = o.databaseUrl === undefined ? stack.use(await MariaDb.start(o.database)) : undefined;
    const redis = stack.use(await RedisServer.start({ settings: o.redisSettings ?? [] }));
    const nodePorts = { e1: await freePort(), c2: await freePort() };
    if (database !== undefined) {
      const connection = await database.connect();
      await connection.query(`CREATE DATABASE ${schema}`);
      // Whoever comes from another network than this machine's own.
      await connection.query("CREATE USER root@'%'");
      await connection.query("GRANT ALL ON *.* TO root@'%'");
      await connection.end();
    }
    const databaseUrl = o.databaseUrl ?? `mysql://root@127.0.0.1:${database?.port}/${schema}`;
    const cluster = stack.use(
      await Cluster.start({
        databaseUrl,
        redisUrl: redis.url,
        env: o.env ?? {},
        roles: {
          ...twoOfEach,
          ...o.more,
        },
        prefixOf: o.prefixOf ?? (() => []),
        ...(o.mainOf === undefined ? {} : { mainOf: o.mainOf }),
        later: o.later ?? [],
        envOf: (name): Environment => {
          const from = o.enginesFrom?.(name) ?? '127.0.0.1';
          const reached = (url: string) => url.replace('127.0.0.1', from);
          const own = {
            PARLEY_MYSQL_URL: reached(databaseUrl),
            PARLEY_REDIS_URL: reached(redis.url),
            ...o.envOf?.(name),
          };
          if (name === 'e1' || name === 'c2') return { PARLEY_NODE_PORT: `${nodePorts[name]}`, ...own };
          const upstreams = [nodePorts.c2, nodePorts.e1].map((port) => `http://127.0.0.1:${port}`);
          return name === 'b2' ? { PARLEY_UPSTREAM: upstreams.join(','), ...own } : own;
        },
      }),
    );
    return new FaultCluster({ cluster, redis, database, stack: stack.move() });
  }

  get database(): MariaDb {
    if (this.#database === undefined) throw new Error('the database is not this cluster’s own');
    return this.#database;
  }

  get(name: string): ClusterProcess {
    return this.cluster.get(name);
  }

  get processes(): ClusterProcess[] {
    return [...this.cluster.processes.values()];
  }

  /** As a gateway would: everybody has an edge, and goes to another while that one is not there. */
  ports(user: number): ParleyPorts {
    const { length } = this.#edges;
    const up = (process: (edge: Edge) => ClusterProcess): ClusterProcess => {
      const inTurn = this.#edges.map((_, i) => process(this.#edges[(user + i) % length] as Edge));
      return inTurn.find(({ welcoming }) => welcoming) ?? (inTurn[0] as ClusterProcess);
    };
    const { http, ws, metrics } = up((edge) => edge.browsers).ports;
    return { http, ws, grpc: up((edge) => edge.native).ports.grpc, metrics };
  }

  call<T>(rpc: string, request: unknown, user: string): Promise<T> {
    return callBy<T>(this.ports(0).http, rpc, request, user);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** A unary call as a user, in development mode; rejects with a CallError where it is refused. */
export async function callBy<T>(http: number, rpc: string, request: unknown, user: string): Promise<T> {
  const response = await fetch(`http://127.0.0.1:${http}/parley.chat.v1.${rpc}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'parley-user': user },
    body: JSON.stringify(request),
  });
  const text = await response.text();
  if (!response.ok) throw new CallError(`${rpc}: ${response.status} ${text}`, response.status);
  return JSON.parse(text) as T;
}
