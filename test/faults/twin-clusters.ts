import type { ParleyPorts } from '../../bench/targets/parley.ts';
import { Cluster, type ClusterProcess } from '../cluster/support/cluster.ts';
import { MariaDb } from '../engines/mariadb.ts';
import { RedisServer } from '../engines/redis-server.ts';
import { callBy, type FaultSite } from './fault-cluster.ts';

const schema = 'parley';
const names = ['a', 'b'] as const;

/**
 * Two clusters that know nothing of each other on one database: each sees its own message node alone, which therefore
 * owns every conversation. Users by turns have their edge in the one or in the other.
 */
export class TwinClusters implements FaultSite, AsyncDisposable {
  readonly processes: readonly ClusterProcess[];
  readonly #edges: readonly ClusterProcess[];
  readonly #owners: readonly ClusterProcess[];
  readonly #stack: AsyncDisposableStack;
  #calls = 0;

  private constructor(clusters: readonly Cluster[], stack: AsyncDisposableStack) {
    this.processes = clusters.flatMap(({ processes }) => [...processes.values()]);
    this.#edges = this.processes.filter(({ name }) => name.startsWith('e'));
    this.#owners = this.processes.filter(({ name }) => name.startsWith('m'));
    this.#stack = stack;
  }

  static async start(): Promise<TwinClusters> {
    await using stack = new AsyncDisposableStack();
    const database = stack.use(await MariaDb.start());
    const redis = stack.use(await RedisServer.start());
    const connection = await database.connect();
    await connection.query(`CREATE DATABASE ${schema}`);
    await connection.end();
    const clusters: Cluster[] = [];
    for (const name of names)
      clusters.push(
        stack.use(
          await Cluster.start({
            databaseUrl: `mysql://root@127.0.0.1:${database.port}/${schema}`,
            redisUrl: redis.url,
            // The directory of the other one is out of sight; the keys that seal what is stored are shared.
            env: { PARLEY_REDIS_PREFIX: `parley-${name}:`, PARLEY_MASTER_KEYS: `1:${'5a'.repeat(32)}` },
            roles: { [`m${name}`]: 'message', [`g${name}`]: 'group', [`e${name}`]: 'bridge,connection' },
          }),
        ),
      );
    return new TwinClusters(clusters, stack.move());
  }

  /** The message nodes, each of which owns everything. */
  get owners(): readonly ClusterProcess[] {
    return this.#owners;
  }

  ports(user: number): ParleyPorts {
    return (this.#edges[user % this.#edges.length] as ClusterProcess).ports;
  }

  /** By the edges in turn: group changes come to both owners, too. */
  call<T>(rpc: string, request: unknown, user: string): Promise<T> {
    this.#calls += 1;
    return callBy<T>(this.ports(this.#calls).http, rpc, request, user);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}
