import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { until } from '../../../../test/e2e/support/until.ts';

/** Below the ports that systems give to outgoing connections: a server that is down for a while gets its port back. */
const portsFrom = 12_000;
const portsUsed = 18_000;
const askMs = 2_000;

/** A real Redis in a process of its own, on a free port and an empty directory, with what tests of faults do to it. */
export class RedisServer implements AsyncDisposable {
  readonly port: number;
  readonly #directory: string;
  readonly #args: readonly string[];
  #child: ChildProcess | undefined;

  private constructor(port: number, directory: string, args: readonly string[]) {
    this.port = port;
    this.#directory = directory;
    this.#args = args;
  }

  /** `settings` as arguments; `sentinel`, lines of a configuration, makes it a sentinel. */
  static async start({
    settings = [] as readonly string[],
    sentinel = undefined as readonly string[] | undefined,
  } = {}): Promise<RedisServer> {
    const directory = await mkdtemp(join(tmpdir(), 'parley-redis-'));
    const port = await freePort();
    const quiet = ['--save', '', '--appendonly', 'yes', '--loglevel', 'warning', ...settings];
    const args = sentinel === undefined ? quiet : [join(directory, 'sentinel.conf'), '--sentinel'];
    // A sentinel writes what it learns into its configuration.
    if (sentinel !== undefined) await writeFile(args[0] as string, `${sentinel.join('\n')}\n`);
    const server = new RedisServer(port, directory, args);
    await server.restart();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** One command over a connection of its own, past all code of ours: `ask('FLUSHALL')`. */
  async ask(command: string, ...args: string[]): Promise<unknown> {
    const client = new Redis({
      ...{ host: '127.0.0.1', port: this.port, connectTimeout: askMs, commandTimeout: askMs },
      ...{ lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null },
    });
    client.on('error', () => {});
    try {
      await client.connect();
      return await client.call(command, ...args);
    } finally {
      client.disconnect();
    }
  }

  /** Starts it again on the same port, with what it wrote to its directory. Resolves when it answers. */
  async restart(): Promise<void> {
    await this.kill();
    const place = ['--port', `${this.port}`, '--bind', '127.0.0.1', '--dir', this.#directory];
    this.#child = spawn('redis-server', [...this.#args, ...place], { stdio: 'ignore' });
    const child = this.#child;
    await until(
      () => {
        if (child.exitCode !== null) throw new Error(`redis-server ended with ${child.exitCode}`);
        return this.ask('PING').then(
          () => true,
          () => false,
        );
      },
      () => 'redis-server does not answer',
    );
  }

  /** Without a chance to write anything more. Resolves when it is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  /** Connections stay open and nothing is answered. */
  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await rm(this.#directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

export async function freePort(): Promise<number> {
  for (;;) {
    const port = portsFrom + Math.floor(Math.random() * portsUsed);
    const server = createServer().listen(port, '127.0.0.1');
    const free = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!free) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}
