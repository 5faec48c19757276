import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Child } from '../../engines/child.ts';
import { mariaDb, redis } from '../../engines/shared.ts';
import { until } from '../../e2e/support/until.ts';

const main = fileURLToPath(new URL('../../../services/main.ts', import.meta.url));
const clusterToken = 'the cluster token of these tests';

interface Ports {
  readonly http: number;
  readonly ws: number;
  readonly grpc: number;
  readonly metrics: number;
}

/** One node of the cluster: a process that can be killed, frozen, and started again under its name. */
export class ClusterProcess {
  readonly name: string;
  readonly #start: () => Promise<Child>;
  #child: Child | undefined;

  constructor(name: string, start: () => Promise<Child>) {
    this.name = name;
    this.#start = start;
  }

  get ports(): Ports {
    const ready =
      this.#process.output.split('\n').findLast((line) => line.includes('"event.action":"ready"')) ?? '{}';
    const fields = JSON.parse(ready) as Record<string, number>;
    const port = (name: string): number => fields[`parley.${name}`] ?? 0;
    return { http: port('http'), ws: port('ws'), grpc: port('grpc'), metrics: port('metrics') };
  }

  /** What it wrote that is no ordinary log line, or tells of an error. */
  get complaints(): string[] {
    return this.#process.output
      .split('\n')
      .filter(
        (line) => /"log\.level":"(error|fatal)"/.test(line) || (!line.startsWith('{') && /Error/.test(line)),
      );
  }

  async start(): Promise<void> {
    this.#child = await this.#start();
  }

  kill(): Promise<void> {
    return this.#process.stop('SIGKILL');
  }

  /** SIGTERM: it hands over what it has, and ends. */
  drain(): Promise<void> {
    return this.#process.stop('SIGTERM');
  }

  freeze(): void {
    this.#process.signal('SIGSTOP');
  }

  thaw(): void {
    this.#process.signal('SIGCONT');
  }

  async dispose(): Promise<void> {
    await this.#child?.[Symbol.asyncDispose]();
  }

  get #process(): Child {
    if (this.#child === undefined) throw new Error(`${this.name} has not been started`);
    return this.#child;
  }
}

export interface ClusterOptions {
  /** For all processes. */
  readonly env?: Readonly<Record<string, string>>;
  /** The roles of each process, by its name; the first one is a message node. */
  readonly roles?: Readonly<Record<string, string>>;
  /** Default: a schema and keys in the engines that all tests share. */
  readonly databaseUrl?: string;
  readonly redisUrl?: string;
}

const usualRoles = {
  m1: 'message',
  m2: 'message',
  g1: 'group',
  g2: 'group',
  e1: 'bridge,connection',
  e2: 'bridge,connection',
};

/** Two edges, two message nodes and two group nodes, each a process of its own, on a real database and a real Redis. */
export class Cluster implements AsyncDisposable {
  readonly processes: ReadonlyMap<string, ClusterProcess>;
  readonly #stack: AsyncDisposableStack;

  private constructor(processes: ReadonlyMap<string, ClusterProcess>, stack: AsyncDisposableStack) {
    this.processes = processes;
    this.#stack = stack;
  }

  static async start({
    env = {},
    roles = usualRoles,
    databaseUrl,
    redisUrl,
  }: ClusterOptions = {}): Promise<Cluster> {
    await using stack = new AsyncDisposableStack();
    databaseUrl ??= stack.use(await mariaDb()).url;
    const keys = redisUrl === undefined ? stack.use(await redis()) : { url: redisUrl, prefix: 'parley:' };
    const directory = await mkdtemp(join(tmpdir(), 'parley-cluster-'));
    stack.defer(() => rm(directory, { recursive: true, force: true }));
    const common = {
      PARLEY_MODE: 'development',
      PARLEY_DATA_DIR: directory,
      PARLEY_MYSQL_URL: databaseUrl,
      PARLEY_REDIS_URL: keys.url,
      PARLEY_REDIS_PREFIX: keys.prefix,
      PARLEY_CLUSTER_TOKEN: clusterToken,
      PARLEY_LOG_FORMAT: 'json',
      PARLEY_LOBBY: 'false',
      PARLEY_HTTP_PORT: '0',
      PARLEY_WS_PORT: '0',
      PARLEY_GRPC_PORT: '0',
      PARLEY_NODE_PORT: '0',
      PARLEY_LINK_PORT: '0',
      PARLEY_METRICS_PORT: '0',
      ...env,
    };
    const processes = new Map<string, ClusterProcess>();
    for (const [name, ofProcess] of Object.entries(roles)) {
      const start = () =>
        Child.start({
          command: process.execPath,
          args: [main, 'start', '--roles', ofProcess],
          env: { ...common, PARLEY_NODE_ID: name },
          readyWhen: /"event.action":"ready"/,
        });
      const one = new ClusterProcess(name, start);
      processes.set(name, one);
      stack.defer(() => one.dispose());
    }
    // The first one makes the keys and the tables; the others find them.
    await processes.get('m1')?.start();
    await Promise.all([...processes.values()].slice(1).map((one) => one.start()));
    const cluster = new Cluster(processes, stack.move());
    await cluster.formed();
    return cluster;
  }

  get(name: string): ClusterProcess {
    const found = this.processes.get(name);
    if (found === undefined) throw new Error(`there is no ${name}`);
    return found;
  }

  /** Resolves once a message can be sent to each message node's conversations from each edge. */
  async formed(): Promise<void> {
    let refusal = '';
    for (const edge of ['e1', 'e2'])
      for (let no = 0; no < 8; no += 1)
        await until(
          async () => {
            refusal = await this.trySend(edge, `forming ${edge} ${no}`);
            return refusal === '';
          },
          () => refusal,
        );
  }

  /** Sends a user something by himself; says why not, or nothing. */
  async trySend(edge: string, userId: string): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${this.get(edge).ports.http}/api/v1/messages/send`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'parley-user': userId },
      body: JSON.stringify({ to: userId, content: 'here?' }),
    });
    return response.ok ? '' : response.text();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}
