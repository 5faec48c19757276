import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ownPlace } from '../../helpers/server.ts';

const main = fileURLToPath(new URL('../../../services/main.ts', import.meta.url));
const memoryProbe = new URL('memory-probe.ts', import.meta.url).href;

interface Ports {
  readonly http: number;
  readonly ws: number;
  readonly grpc: number;
  readonly metrics: number;
}

/** The real server as a process of its own: its memory, its end and its complaints are seen from outside. */
export class WatchedServer implements AsyncDisposable {
  readonly ports: Ports;
  /** Lines of its log that tell of errors, and whatever else it wrote that is no log. */
  readonly complaints: string[];
  readonly #child: ChildProcess;
  readonly #directory: string;

  private constructor(child: ChildProcess, ports: Ports, complaints: string[], directory: string) {
    this.#child = child;
    this.ports = ports;
    this.complaints = complaints;
    this.#directory = directory;
  }

  static async start(env: Readonly<Record<string, string>> = {}): Promise<WatchedServer> {
    const directory = await mkdtemp(join(tmpdir(), 'parley-watched-'));
    const own = {
      PATH: process.env['PATH'],
      PARLEY_MODE: 'development',
      ...ownPlace(directory),
      PARLEY_LOG_FORMAT: 'json',
    };
    const child = spawn(process.execPath, ['--expose-gc', '--import', memoryProbe, main, 'start'], {
      env: { ...own, ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const complaints: string[] = [];
    const { promise, resolve, reject } = Promise.withResolvers<Ports>();
    child.once('exit', (code, signal) =>
      reject(new Error(`the server ended (${code ?? signal}):\n${complaints.join('\n')}`)),
    );
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream as NodeJS.ReadableStream }).on('line', (line) => {
        const ports = portsIn(line);
        if (ports !== undefined) resolve(ports);
        if (complains(line)) complaints.push(line);
      });
    try {
      return new WatchedServer(child, await promise, complaints, directory);
    } catch (error) {
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** What it holds after a full collection, and what it has of the machine, in MB. */
  async memory(): Promise<{ readonly heldMb: number; readonly residentMb: number }> {
    const answered = once(this.#child, 'message');
    this.#child.send('memory');
    const [usage] = (await answered) as [NodeJS.MemoryUsage];
    const mb = (bytes: number) => Math.round(bytes / 2 ** 20);
    return { heldMb: mb(usage.heapUsed + usage.external), residentMb: mb(usage.rss) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.alive) {
      const exited = once(this.#child, 'exit');
      this.#child.kill('SIGKILL');
      await exited;
    }
    await rm(this.#directory, { recursive: true, force: true });
  }
}

function portsIn(line: string): Ports | undefined {
  if (!line.includes('"event.action":"ready"')) return undefined;
  const fields = JSON.parse(line) as Record<string, number>;
  const port = (name: string) => fields[`parley.${name}`] ?? 0;
  return { http: port('http'), ws: port('ws'), grpc: port('grpc'), metrics: port('metrics') };
}

/** What is no log line is a crash or a warning of Node's, but for where the page is. */
/** What a server tells people that it has started in development mode. */
const greetings = ['Parley is at', 'Administration: ', '-- token ops --service'];

function complains(line: string): boolean {
  if (!line.startsWith('{')) return line.trim() !== '' && !greetings.some((words) => line.includes(words));
  return /"log\.level":"(error|fatal)"/.test(line);
}
