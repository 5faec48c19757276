import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';

/** A port that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

export interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Descriptors that it gets from 3 on. */
  readonly extraFds?: readonly number[];
  /** Ready once a line of its output (or of its errors) has this in it. */
  readonly readyWhen: RegExp;
  readonly readyWithinMs?: number;
}

const keptOutput = 20_000;

/** Nothing that was started here outlives this process. */
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A server process that the bench starts, waits for, and stops by itself. */
export class Child implements AsyncDisposable {
  readonly process: ChildProcess;
  #output = '';

  private constructor(process: ChildProcess) {
    this.process = process;
    running.add(process);
    process.once('exit', () => running.delete(process));
    for (const stream of [process.stdout, process.stderr])
      stream?.on('data', (chunk: Buffer) => {
        this.#output = (this.#output + chunk.toString()).slice(-keptOutput);
      });
  }

  static async start(o: ChildOptions): Promise<Child> {
    const child = new Child(
      spawn(o.command, o.args, {
        stdio: ['ignore', 'pipe', 'pipe', ...(o.extraFds ?? [])],
        env: { ...process.env, ...o.env },
        cwd: o.cwd,
      }),
    );
    try {
      await child.#ready(o.readyWhen, o.readyWithinMs ?? 30_000);
    } catch (error) {
      await child[Symbol.asyncDispose]();
      throw error;
    }
    return child;
  }

  get pid(): number {
    if (this.process.pid === undefined) throw new Error('the process has not started');
    return this.process.pid;
  }

  /** The last of what it wrote. */
  get output(): string {
    return this.#output;
  }

  get running(): boolean {
    return this.process.exitCode === null && this.process.signalCode === null;
  }

  async stop(signal: NodeJS.Signals, withinMs = 20_000): Promise<void> {
    if (!this.running) return;
    const ended = new Promise<void>((resolve) => this.process.once('exit', () => resolve()));
    this.process.kill(signal);
    const timer = setTimeout(() => this.process.kill('SIGKILL'), withinMs);
    await ended;
    clearTimeout(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('SIGKILL');
  }

  #ready(readyWhen: RegExp, withinMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (why: string) =>
        reject(new Error(`${this.process.spawnargs.join(' ')}: ${why}\n${this.#output}`));
      const timer = setTimeout(() => fail(`not ready within ${withinMs} ms`), withinMs);
      const look = () => {
        if (!readyWhen.test(this.#output)) return;
        clearTimeout(timer);
        resolve();
      };
      this.process.stdout?.on('data', look);
      this.process.stderr?.on('data', look);
      this.process.once('error', (error) => fail(error.message));
      this.process.once('exit', (code, signal) => {
        clearTimeout(timer);
        fail(`ended with ${signal ?? code} before it was ready`);
      });
    });
  }
}
