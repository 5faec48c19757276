import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

interface Ports {
  readonly http: number;
  readonly ws: number;
  readonly grpc: number;
}

const main = new URL('../../services/main.ts', import.meta.url).pathname;

/** The real server as a process of its own, in development mode, on a data directory that outlives its crashes. */
export class LiveServer {
  readonly #dataDir: string;
  readonly #env: Readonly<Record<string, string>>;
  #process: ChildProcess | undefined;
  /** The end of what it said, for when it does not do what it should. */
  #said: string[] = [];
  #ports: Ports | undefined;

  private constructor(dataDir: string, env: Readonly<Record<string, string>>) {
    this.#dataDir = dataDir;
    this.#env = env;
  }

  static async start(env: Readonly<Record<string, string>> = {}): Promise<LiveServer> {
    const server = new LiveServer(await mkdtemp(join(tmpdir(), 'parley-sdk-')), env);
    await server.start();
    return server;
  }

  get webSocketUrl(): string {
    return `ws://127.0.0.1:${this.#ports?.http}/ws`;
  }

  get grpcAddress(): string {
    return `127.0.0.1:${this.#ports?.grpc}`;
  }

  /** Starts it, again on the same ports. */
  async start(): Promise<void> {
    const { http = 0, ws = 0, grpc = 0 } = this.#ports ?? {};
    const child = spawn(process.execPath, [main, 'start'], {
      env: {
        PATH: process.env['PATH'],
        PARLEY_MODE: 'development',
        PARLEY_DATA_DIR: this.#dataDir,
        PARLEY_HTTP_PORT: String(http),
        PARLEY_WS_PORT: String(ws),
        PARLEY_GRPC_PORT: String(grpc),
        PARLEY_METRICS_PORT: '0',
        PARLEY_DRAIN_MS: '500',
        ...this.#env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process = child;
    this.#said = [];
    child.stderr?.on('data', (text: Buffer) => this.#hear(text.toString()));
    for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
      this.#hear(line);
      const ports = readyPorts(line);
      if (ports === undefined) continue;
      this.#ports = ports;
      // Read on: a full pipe would stop it.
      child.stdout?.on('data', (text: Buffer) => this.#hear(text.toString()));
      return;
    }
    throw new Error(`the server did not start:\n${this.#said.join('\n')}`);
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Asks it to stop, and waits until it has. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    this.#process = undefined;
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`the server ended by itself:\n${this.#said.join('\n')}`);
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#end('SIGKILL');
    } finally {
      await rm(this.#dataDir, { recursive: true, force: true });
    }
  }

  #hear(text: string): void {
    this.#said.push(text.slice(0, 2_000));
    if (this.#said.length > 100) this.#said.shift();
  }
}

function readyPorts(line: string): Ports | undefined {
  if (!line.startsWith('{')) return undefined;
  const fields = JSON.parse(line) as Record<string, unknown>;
  if (fields['event.action'] !== 'ready') return undefined;
  return {
    http: Number(fields['parley.http']),
    ws: Number(fields['parley.ws']),
    grpc: Number(fields['parley.grpc']),
  };
}
