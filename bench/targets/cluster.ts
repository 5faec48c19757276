import type { RowDataPacket } from 'mysql2/promise';
import { Cluster } from '../../test/cluster/support/cluster.ts';
import { MariaDb } from '../../test/engines/mariadb.ts';
import { RedisServer } from '../../test/engines/redis-server.ts';
import { until } from '../../test/e2e/support/until.ts';
import type { Generator } from '../generator.ts';
import { textBytes } from '../measure.ts';
import type { Target } from './target.ts';

const schema = 'parley';

export interface ClusterTargetOptions {
  readonly edges: number;
  readonly messageNodes: number;
  /** For node itself, in all of Parley's processes: profiling. */
  readonly nodeArgs?: readonly string[];
}

export interface ClusterTarget extends Target {
  readonly cluster: Cluster;
  /** Those of the shares that are Parley's own. */
  readonly ownShares: readonly string[];
  /** Rows that the database has inserted, changed and deleted so far. */
  rowsWritten(): Promise<number>;
}

/**
 * A cluster as a target of a load: edges (bridge and connection node in one process), message nodes and a group node,
 * each a process, on a MariaDB and a Redis of its own. What counts is Parley's own processes; the engines are told apart.
 */
export async function startCluster({
  edges,
  messageNodes,
  nodeArgs = [],
}: ClusterTargetOptions): Promise<ClusterTarget> {
  await using stack = new AsyncDisposableStack();
  const database = stack.use(
    await MariaDb.start({ settings: ['--innodb-buffer-pool-size=1G', '--innodb-log-file-size=512M'] }),
  );
  const redis = stack.use(await RedisServer.start());
  const connection = await database.connect();
  await connection.query(`CREATE DATABASE ${schema}`);
  stack.defer(() => connection.end());
  const numbered = (prefix: string, role: string, nodes: number) =>
    Array.from({ length: nodes }, (_, i) => [`${prefix}${i + 1}`, role] as const);
  const owners = numbered('m', 'message', messageNodes);
  const doors = numbered('e', 'bridge,connection', edges);
  const cluster = stack.use(
    await Cluster.start({
      databaseUrl: `mysql://root@127.0.0.1:${database.port}/${schema}`,
      redisUrl: redis.url,
      env: nodeArgs.length === 0 ? {} : { NODE_OPTIONS: nodeArgs.join(' ') },
      roles: Object.fromEntries([...owners, ...doors, ['g1', 'group']]),
    }),
  );
  const pidsOf = (names: readonly (readonly [string, string])[]) =>
    names.map(([name]) => cluster.get(name).pid);
  const owned = stack.move();
  return {
    cluster,
    name: `Parley, ${edges} edge${edges === 1 ? '' : 's'}, ${messageNodes} message node${messageNodes === 1 ? '' : 's'}`,
    ownShares: ['edges', 'message nodes', 'group node'],
    dialect: 'parley-ws',
    ports: doors.map(([name]) => cluster.get(name).ports.ws),
    pids: [...cluster.processes.values()].map(({ pid }) => pid),
    shares: {
      edges: pidsOf(doors),
      'message nodes': pidsOf(owners),
      'group node': [cluster.get('g1').pid],
      MariaDB: [database.pid],
      Redis: [redis.pid],
    },
    async rowsWritten() {
      const [rows] = await connection.query<RowDataPacket[]>(
        "SHOW GLOBAL STATUS WHERE Variable_name IN ('Handler_write', 'Handler_update', 'Handler_delete')",
      );
      return rows.reduce((sum, { Value: value }) => sum + Number(value), 0);
    },
    async [Symbol.asyncDispose]() {
      // SIGTERM lets profiled processes write their profiles.
      for (const process of cluster.processes.values()) await process.drain();
      await owned[Symbol.asyncDispose]();
    },
  };
}

/**
 * Resolves once edges and message nodes agree on who owns what. While a message node joins they don't for a moment, and
 * refuse sends that clients send again; the clients of the generator don't, and a pass with a refusal counts for nothing.
 */
export async function agreed(generator: Generator, target: ClusterTarget): Promise<void> {
  const { cluster, dialect, ports } = target;
  const shape = { t: 'pairs', users: 40, conversations: 20 } as const;
  const messageNodes = [...cluster.processes.values()].filter(({ name }) => name.startsWith('m'));
  let what = '';
  await until(
    async () => {
      // Users of its own: who takes a conversation over tells again what was committed last, also those who come now.
      await generator.open({ dialect, ports, shape, textBytes, prefix: 'a' });
      const before = await Promise.all(messageNodes.map(entriesOf));
      const pass = await generator.pass({ ratePerSecond: 200, seconds: 0.5, drainMs: 2_000 });
      const after = await Promise.all(messageNodes.map(entriesOf));
      const share = after.map((entries, i) => entries - (before[i] ?? 0));
      what = `entries by node: ${share.join(', ')}; ${[...pass.disturbances, ...pass.examples].join('; ')}`;
      return pass.disturbed + pass.violations + pass.missing === 0 && share.every((entries) => entries > 0);
    },
    () => what,
  );
  await generator.close();
}

/** How many entries a message node has committed. */
async function entriesOf({ ports }: { readonly ports: { readonly metrics: number } }): Promise<number> {
  const metrics = await (await fetch(`http://127.0.0.1:${ports.metrics}/metrics`)).text();
  return Number(/^chat_entries_committed_total(?:\{[^}]*\})? (\d+)/m.exec(metrics)?.[1] ?? 0);
}
