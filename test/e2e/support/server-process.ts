import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Entrance, FragileSite } from './site.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const main = join(root, 'services', 'main.ts');
const webDir = join(root, 'dist', 'web');

/** A start that is neither ready nor refused after this time is a failure. */
const startMs = 30_000;
/** Spares every start after the first half of its work. */
const compileCache = process.env['NODE_COMPILE_CACHE'] ?? join(tmpdir(), 'parley-compile-cache');
/** The newest lines of a server's log are what a failed test shows. */
const keptLines = 200;

const portNames = ['http', 'ws', 'grpc', 'node', 'metrics'] as const;
type PortName = (typeof portNames)[number];
type Ports = Readonly<Record<PortName, number>>;

interface ServerProcessOptions {
  /** Another build of `parley`. Default: this checkout. */
  readonly program?: string;
  /** Behind `parley start`. */
  readonly args?: readonly string[];
  /** Besides mode, data directory and ports. */
  readonly env?: Readonly<Record<string, string>>;
  /** Ports that must be these, for a server that comes back; free ones else. */
  readonly ports?: Partial<Ports>;
  /** Default: one of its own, which goes with it. */
  readonly dataDir?: string;
}

/** How a process ended, and all it said. */
interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
}

/** The real server as a process of its own, in development mode, on a data directory that outlives its crashes. */
export class ServerProcess implements FragileSite, AsyncDisposable {
  readonly what = 'one server';
  readonly victims = ['the server'];
  readonly dataDir: string;
  readonly #options: ServerProcessOptions;
  #child: ChildProcess | undefined;
  #ports: Ports = noPorts;
  readonly #lines: string[] = [];
  /** Why it ended although nobody had it end. */
  #broken: Error | undefined;

  private constructor(options: ServerProcessOptions, dataDir: string) {
    this.#options = options;
    this.dataDir = dataDir;
  }

  /** Resolves once it is ready. */
  static async start(options: ServerProcessOptions = {}): Promise<ServerProcess> {
    const server = new ServerProcess(options, options.dataDir ?? (await temporaryDirectory()));
    try {
      await server.start();
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  get ports(): Ports {
    return this.#ports;
  }

  get pageUrl(): string {
    return `http://127.0.0.1:${this.#ports.http}/`;
  }

  edge(): Entrance {
    return this;
  }

  get front(): Entrance {
    return this;
  }

  /** The newest lines that it wrote. */
  get output(): string {
    return this.#lines.join('\n');
  }

  /** Starts it again after it has ended, on the same data and the ports that were asked for. */
  async start(): Promise<void> {
    if (this.#child !== undefined) throw new Error('it runs');
    const child = spawnServer(this.#options, this.dataDir);
    this.#child = child;
    const { promise: ready, resolve, reject } = Promise.withResolvers<Ports>();
    const late = setTimeout(
      () => reject(new Error(`the server did not get ready:\n${this.output}`)),
      startMs,
    );
    child.once('close', (code, signal) => {
      if (this.#child !== child) return;
      this.#child = undefined;
      this.#broken = new Error(`the server ended by itself (${code ?? signal}):\n${this.output}`);
      reject(this.#broken);
    });
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream as NodeJS.ReadableStream }).on('line', (line) => {
        this.#note(line);
        const ports = readyPorts(line);
        if (ports !== undefined) resolve(ports);
      });
    try {
      this.#ports = await ready;
    } finally {
      clearTimeout(late);
    }
  }

  /** As a crash: it gets to do nothing more. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Asks it to stop, as a supervisor does. */
  async stop(): Promise<Ending> {
    return (await this.#end('SIGTERM')) ?? { code: null, signal: null, output: this.output };
  }

  async check(): Promise<string> {
    const { code, output } = await this.stop();
    if (code !== 0) throw new Error(`it ended with ${code}: ${output}`);
    return parley(['check'], { PARLEY_DATA_DIR: this.dataDir });
  }

  /** Throws when it had crashed. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    if (this.#options.dataDir === undefined) await rm(this.dataDir, { recursive: true, force: true });
    if (this.#broken !== undefined) throw this.#broken;
  }

  async #end(signal: NodeJS.Signals): Promise<Ending | undefined> {
    const child = this.#child;
    if (child === undefined) return undefined;
    this.#child = undefined;
    // `close` comes when everything that it wrote has been read, too.
    const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    child.kill(signal);
    const [code, endedBy] = await closed;
    return { code, signal: endedBy, output: this.output };
  }

  #note(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > keptLines) this.#lines.shift();
  }
}

/** Runs another command of `parley` to its end; resolves with what it wrote, and rejects when it failed. */
export async function parley(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [main, ...args], { env });
  return stdout;
}

/** Runs a start that must be refused, and resolves with how it ended. */
export async function refusedStart(options: ServerProcessOptions): Promise<Ending> {
  const dataDir = options.dataDir ?? (await temporaryDirectory());
  const child = spawnServer(options, dataDir);
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (part: Buffer) => {
      output += part.toString();
      if (output.split('\n').some((line) => readyPorts(line) !== undefined)) child.kill('SIGKILL');
    });
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
  return { code, signal, output };
}

export function temporaryDirectory(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'parley-e2e-'));
}

function spawnServer(options: ServerProcessOptions, dataDir: string): ChildProcess {
  if (!existsSync(join(webDir, 'index.html'))) throw new Error('the page is not built: npm run build');
  return spawn(process.execPath, [options.program ?? main, 'start', ...(options.args ?? [])], {
    env: {
      PATH: process.env['PATH'],
      NODE_COMPILE_CACHE: compileCache,
      PARLEY_MODE: 'development',
      PARLEY_DATA_DIR: dataDir,
      PARLEY_WEB_DIR: webDir,
      ...Object.fromEntries(
        portNames.map((name) => [`PARLEY_${name.toUpperCase()}_PORT`, String(options.ports?.[name] ?? 0)]),
      ),
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

const noPorts: Ports = { http: 0, ws: 0, grpc: 0, node: 0, metrics: 0 };

function readyPorts(line: string): Ports | undefined {
  if (!line.includes('"ready"')) return undefined;
  const fields = JSON.parse(line) as Record<string, unknown>;
  if (fields['event.action'] !== 'ready') return undefined;
  const portOf = (name: PortName) => [name, Number(fields[`parley.${name}`] ?? 0)];
  return Object.fromEntries(portNames.map(portOf)) as Ports;
}
