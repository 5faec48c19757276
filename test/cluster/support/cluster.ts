import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Child } from '../../engines/child.ts';
import { mariaDb, redis } from '../../engines/shared.ts';
import { until } from '../../e2e/support/until.ts';
import { Metrics } from '../../input/support/metrics.ts';

const main = fileURLToPath(new URL('../../../services/main.ts', import.meta.url));
const clusterToken = 'the cluster token of these tests';

interface Ports {
  readonly http: number;
  readonly ws: number;
  readonly grpc: number;
  readonly metrics: number;
}

type Environment = Readonly<Record<string, string>>;

/** The roles of each process, by its name. */
const usualProcesses: Readonly<Record<string, string>> = {
  m1: 'message',
  m2: 'message',
  g1: 'group',
  g2: 'group',
  e1: 'bridge,connection',
  e2: 'bridge,connection',
};

/** One node of the cluster: a process that can be killed, frozen, and started again under its name. */
export class ClusterProcess {
  readonly name: string;
  readonly #start: (env: Environment) => Promise<Child>;
  #child: Child | undefined;

  constructor(name: string, start: (env: Environment) => Promise<Child>) {
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

  /** `env`: besides what all processes have. */
  async start(env: Environment = {}): Promise<void> {
    this.#child = await this.#start(env);
  }

  /** Resolves once it is gone, by itself. */
  async gone(): Promise<void> {
    await until(
      () => !this.running,
      () => `${this.name} is still there`,
    );
  }

  get running(): boolean {
    return this.#process.running;
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

interface Page {
  readonly entries?: { readonly entries?: readonly { seq: string; message?: { text?: string } }[] };
}

/** Asks again for as long as it is refused: nodes are coming and going. */
export async function insist<T>(ask: () => Promise<T>): Promise<T> {
  let answer: T | undefined;
  let refusal: unknown;
  await until(
    async () => {
      try {
        answer = await ask();
        return true;
      } catch (error) {
        refusal = error;
        return false;
      }
    },
    () => String(refusal),
  );
  return answer as T;
}

/** Two edges, two message nodes and two group nodes, each a process of its own, on a real database and a real Redis. */
export class Cluster implements AsyncDisposable {
  readonly processes: ReadonlyMap<string, ClusterProcess>;
  /** What its processes are told; good for the command line, too. */
  readonly env: Environment;
  readonly #stack: AsyncDisposableStack;

  private constructor(
    processes: ReadonlyMap<string, ClusterProcess>,
    env: Environment,
    stack: AsyncDisposableStack,
  ) {
    this.processes = processes;
    this.env = env;
    this.#stack = stack;
  }

  /** `further`: roles of processes besides the usual ones. */
  static async start(env: Environment = {}, further: Environment = {}): Promise<Cluster> {
    await using stack = new AsyncDisposableStack();
    const [database, keys] = [stack.use(await mariaDb()), stack.use(await redis())];
    const directory = await mkdtemp(join(tmpdir(), 'parley-cluster-'));
    stack.defer(() => rm(directory, { recursive: true, force: true }));
    const common = {
      PARLEY_MODE: 'development',
      PARLEY_DATA_DIR: directory,
      PARLEY_MYSQL_URL: database.url,
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
    for (const [name, roles] of Object.entries({ ...usualProcesses, ...further })) {
      const start = (own: Environment) =>
        Child.start({
          command: process.execPath,
          args: [main, 'start', '--roles', roles],
          env: { ...common, PARLEY_NODE_ID: name, ...own },
          readyWhen: /"event.action":"ready"/,
        });
      const one = new ClusterProcess(name, start);
      processes.set(name, one);
      stack.defer(() => one.dispose());
    }
    // The first one makes the keys and the tables; the others find them.
    await processes.get('m1')?.start();
    await Promise.all([...processes.values()].slice(1).map((one) => one.start()));
    const cluster = new Cluster(processes, common, stack.move());
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

  /** Sends as a user, once; rejects where that is refused, or nobody knows. */
  async send(
    edge: string,
    userId: string,
    to: { readonly conv_id: string } | { readonly to: string },
    content: string,
  ) {
    await this.#post(edge, userId, '/api/v1/messages/send', { ...to, content });
  }

  /** What a process counts, by a name without labels. */
  async metric(name: string, metric: string): Promise<number> {
    return (await Metrics.read(this.get(name).ports.metrics)).of(metric);
  }

  /** The texts of a conversation's log, by seq, as an edge tells them; empty for what is no message. */
  async textsOf(edge: string, userId: string, convId: string): Promise<string[]> {
    const texts: string[] = [];
    for (;;) {
      const list = { convId, fromSeq: `${texts.length + 1}`, limit: 200 };
      const answer = await insist(() =>
        this.#post<Page>(edge, userId, '/parley.chat.v1.MessageService/ListMessages', { list }),
      );
      const entries = answer.entries?.entries ?? [];
      if (entries.length === 0) return texts;
      for (const { seq, message } of entries) {
        if (Number(seq) !== texts.length + 1) throw new Error(`seq ${seq} follows ${texts.length}`);
        texts.push(message?.text ?? '');
      }
    }
  }

  async #post<T>(edge: string, userId: string, path: string, body: object): Promise<T> {
    const response = await fetch(`http://127.0.0.1:${this.get(edge).ports.http}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'parley-user': userId },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(await response.text());
    return (await response.json()) as T;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}
