import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Child } from '../../engines/child.ts';
import { mariaDb, redis } from '../../engines/shared.ts';
import { until } from '../../e2e/support/until.ts';
import { Metrics } from '../../input/support/metrics.ts';
import { tokenSecret, userToken } from './tokens.ts';

const main = fileURLToPath(new URL('../../../services/main.ts', import.meta.url));
const clusterToken = 'the cluster token of these tests';

interface Ports {
  readonly http: number;
  readonly ws: number;
  readonly grpc: number;
  readonly metrics: number;
}

type Environment = Readonly<Record<string, string>>;

/** An entry as REST tells it. */
interface Entry {
  readonly seq: number;
  readonly user_id: string;
  readonly content?: string;
}

export interface LogLine {
  readonly seq: number;
  readonly sender: string;
  /** Empty where it is no message. */
  readonly text: string;
}

type StartProcess = (env: Environment, onLine: (line: string) => void) => Promise<Child>;

const keptComplaints = 50;

/** One node of the cluster: a process that can be killed, frozen, and started again under its name. */
export class ClusterProcess {
  readonly name: string;
  /** Those of its last start; 0 for what is not open. */
  ports: Ports = { http: 0, ws: 0, grpc: 0, metrics: 0 };
  /** What all its runs wrote that is no ordinary log line, or tells of an error: the first of it. */
  readonly complaints: string[] = [];
  readonly #start: StartProcess;
  #child: Child | undefined;
  #draining = false;

  constructor(name: string, start: StartProcess) {
    this.name = name;
    this.#start = start;
  }

  get running(): boolean {
    return this.#child?.running === true;
  }

  /** Whether a gateway would send somebody there. */
  get welcoming(): boolean {
    return this.running && !this.#draining;
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** The last of what it wrote: for messages of tests that fail. */
  get output(): string {
    return this.#child?.output ?? '';
  }

  /** `env`: besides what all processes have. */
  async start(env: Environment = {}): Promise<void> {
    this.#child = await this.#start(env, (line) => this.#hear(line));
    this.#draining = false;
    const ready = this.output.split('\n').findLast((line) => line.includes('"event.action":"ready"')) ?? '{}';
    const fields = JSON.parse(ready) as Record<string, number>;
    const port = (name: string): number => fields[`parley.${name}`] ?? 0;
    this.ports = { http: port('http'), ws: port('ws'), grpc: port('grpc'), metrics: port('metrics') };
  }

  /** Resolves once it is gone, by itself. */
  async gone(): Promise<void> {
    await until(
      () => !this.running,
      () => `${this.name} is still there`,
    );
  }

  /** Starts another run of it beside the one that runs, which is returned and to be disposed of. */
  async startAgain(): Promise<Child> {
    const former = this.#process;
    await this.start();
    return former;
  }

  kill(): Promise<void> {
    return this.#process.stop('SIGKILL');
  }

  /** SIGTERM: it hands over what it has, and ends. */
  drain(): Promise<void> {
    this.#draining = true;
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

  #hear(line: string): void {
    const complains =
      /"log\.level":"(error|fatal)"/.test(line) || (!line.startsWith('{') && /Error/.test(line));
    if (complains && this.complaints.length < keptComplaints) this.complaints.push(line);
  }

  get #process(): Child {
    if (this.#child === undefined) throw new Error(`${this.name} has not been started`);
    return this.#child;
  }
}

export interface ClusterOptions {
  /** For all processes. */
  readonly env?: Environment;
  /** The roles of each process, by its name; the first one is a message node. */
  readonly roles?: Environment;
  /** For single processes, besides what all have. */
  readonly envOf?: (name: string) => Environment;
  /** What a process is run by: a command that becomes it, with its arguments. */
  readonly prefixOf?: (name: string) => readonly string[];
  /** The program that a process runs, asked at each start; this checkout's unless given. */
  readonly mainOf?: (name: string) => string;
  /** The address that their ports for users are reached by. Default: this machine's own. */
  readonly host?: string;
  /** Processes that are not started with the others. */
  readonly later?: readonly string[];
  /** Default: a schema and keys in the engines that all tests share. */
  readonly databaseUrl?: string;
  readonly redisUrl?: string;
}

/** Two message nodes, two group nodes, two edges. */
export const usualRoles: Environment = {
  m1: 'message',
  m2: 'message',
  g1: 'group',
  g2: 'group',
  e1: 'bridge,connection',
  e2: 'bridge,connection',
};

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

/** Two message and two group nodes, an edge in one process, and one split into a connection node and a bridge. */
export const twoOfEach = {
  m1: 'message',
  m2: 'message',
  g1: 'group',
  g2: 'group',
  e1: 'bridge,connection',
  c2: 'connection',
  b2: 'bridge',
};

/** Two edges, two message nodes and two group nodes, each a process of its own, on a real database and a real Redis. */
export class Cluster implements AsyncDisposable {
  readonly processes: ReadonlyMap<string, ClusterProcess>;
  /** Where its keys are in Redis. */
  readonly redis: { readonly url: string; readonly prefix: string };
  /** What its processes are told; good for the command line, too. */
  readonly env: Environment;
  readonly #host: string;
  readonly #stack: AsyncDisposableStack;

  private constructor(
    processes: ReadonlyMap<string, ClusterProcess>,
    parts: { readonly keys: Cluster['redis']; readonly env: Environment; readonly host: string },
    stack: AsyncDisposableStack,
  ) {
    this.processes = processes;
    this.redis = parts.keys;
    this.env = parts.env;
    this.#host = parts.host;
    this.#stack = stack;
  }

  static async start({
    env = {},
    roles = usualRoles,
    envOf = () => ({}),
    prefixOf = () => [],
    mainOf = () => main,
    host = '127.0.0.1',
    later = [],
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
      PARLEY_TOKEN_SECRET: tokenSecret,
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
      const start: StartProcess = (own, onLine) => {
        const program = [process.execPath, mainOf(name), 'start', '--roles', ofProcess];
        const [command, ...args] = [...prefixOf(name), ...program];
        return Child.start({
          command: command as string,
          args,
          env: { ...common, PARLEY_NODE_ID: name, ...envOf(name), ...own },
          readyWhen: /"event.action":"ready"/,
          // Eight at once take their time where others compute, too.
          readyWithinMs: 90_000,
          onLine,
        });
      };
      const one = new ClusterProcess(name, start);
      processes.set(name, one);
      stack.defer(() => one.dispose());
    }
    // The first one makes the keys and the tables; the others find them.
    const [first, ...rest] = processes.values();
    await first?.start();
    const others = rest.filter(({ name }) => !later.includes(name));
    // All of them: one that got ready after another had failed would be stopped by nobody.
    const starts = await Promise.allSettled(others.map((one) => one.start()));
    for (const start of starts) if (start.status === 'rejected') throw start.reason;
    const cluster = new Cluster(processes, { keys, env: common, host }, stack.move());
    await cluster.formed();
    return cluster;
  }

  get(name: string): ClusterProcess {
    const found = this.processes.get(name);
    if (found === undefined) throw new Error(`there is no ${name}`);
    return found;
  }

  /** The processes that browsers and REST callers come by. */
  doors(): string[] {
    return [...this.processes.values()].filter(({ ports }) => ports.http > 0).map(({ name }) => name);
  }

  /** Resolves once messages can be sent to, and groups made with, each message node by each edge. */
  async formed(): Promise<void> {
    let refusal = '';
    for (const edge of this.doors())
      for (let no = 0; no < 8; no += 1)
        await until(
          async () => {
            const user = `forming ${edge} ${no}`;
            refusal =
              (await this.#try(edge, user, 'messages/send', { to: user, content: 'here?' })) ||
              (await this.#try(edge, user, 'groups', { name: 'forming' }));
            return refusal === '';
          },
          () => refusal,
        );
  }

  /** Asks an edge for something as a user; says why it was refused, or nothing. */
  async #try(edge: string, userId: string, path: string, body: object): Promise<string> {
    const response = await this.ask(edge, `/api/v1/${path}`, await userToken(userId), body);
    return response.ok ? '' : response.text();
  }

  /** A REST call at an edge: a POST where there is a body. */
  ask(edge: string, path: string, bearer: string, body?: object): Promise<Response> {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${bearer}` };
    return fetch(`http://${this.#host}:${this.get(edge).ports.http}${path}`, {
      headers,
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    });
  }

  /** Entries of a log as an edge tells them, from a seq on; at most 200. */
  async page(edge: string, userId: string, convId: string, fromSeq: number, limit = 200): Promise<LogLine[]> {
    const path = `/api/v1/conversations/${encodeURIComponent(convId)}/messages`;
    const bearer = await userToken(userId);
    let [answer, ok] = ['', false];
    // While a conversation moves nobody tells of it.
    await until(
      async () => {
        const response = await this.ask(edge, `${path}?from_seq=${fromSeq}&limit=${limit}`, bearer);
        [answer, ok] = [await response.text(), response.ok];
        return response.status !== 503;
      },
      () => answer,
    );
    if (!ok) throw new Error(`no page: ${answer}`);
    const { entries } = JSON.parse(answer) as { entries: Entry[] };
    return entries.map(({ seq, user_id: sender, content = '' }) => ({ seq, sender, text: content }));
  }

  /** The whole log as an edge tells it. */
  async logOf(edge: string, userId: string, convId: string): Promise<LogLine[]> {
    const log: LogLine[] = [];
    for (;;) {
      const more = await this.page(edge, userId, convId, log.length + 1);
      if (more.length === 0) return log;
      log.push(...more);
    }
  }

  /** Sends as a user, once; rejects where that is refused, or nobody knows. */
  async send(
    edge: string,
    userId: string,
    to: { readonly conv_id: string } | { readonly to: string },
    content: string,
  ): Promise<void> {
    const body = { ...to, content };
    const response = await this.ask(edge, '/api/v1/messages/send', await userToken(userId), body);
    if (!response.ok) throw new Error(await response.text());
  }

  /** What a process counts, by a name without labels. */
  async metric(name: string, metric: string): Promise<number> {
    return (await Metrics.read(this.get(name).ports.metrics)).of(metric);
  }

  /** The texts of a conversation's log, by seq, as an edge tells them; empty for what is no message. */
  async textsOf(edge: string, userId: string, convId: string): Promise<string[]> {
    const log = await this.logOf(edge, userId, convId);
    for (const [at, { seq }] of log.entries())
      if (seq !== at + 1) throw new Error(`seq ${seq} is at ${at + 1}`);
    return log.map(({ text }) => text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}
