import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, closeSync, constants, openSync, readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { atEnd } from './at-end.ts';
import { endSession, signal } from './process-table.ts';

export interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** Besides this process's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** A file that its output is added to; this process then sees the end of it only. Default: this process takes it. */
  readonly log?: string;
  /** Told each line of its output and of its errors, none of them in part. Nothing is told where there is a `log`. */
  readonly onLine?: (line: string) => void;
  /** Descriptors that it gets from 3 on. */
  readonly extraFds?: readonly number[];
  /**
   * Ready once a line of its output (or of its errors) matches, or once this question to it is answered: it is asked
   * again for as long as it rejects. A question has a time limit of its own.
   */
  readonly readyWhen: RegExp | (() => Promise<void>);
  /** Default: 30 s. */
  readonly readyWithinMs?: number;
  /** What it gets when this process is gone before it, which some need to end what they started. Default: KILL. */
  readonly orphanSignal?: 'KILL' | 'TERM';
  /** Who runs it. Default: whoever runs this process; another one needs root, and Linux. */
  readonly user?: string;
}

const keptOutput = 20_000;
/** Between two questions whether it is ready. */
const askAgainMs = 50;

/** Servers are in directories that not everybody has on the path. */
const path = [process.env.PATH, '/usr/sbin', '/usr/local/sbin'].join(delimiter);
/** The environment of a server. */
export const serverEnvironment = { ...process.env, PATH: path };

/** Nothing that was started here outlives this process. */
const running = new Set<Child>();
atEnd(() => {
  for (const child of running) {
    child.signal('SIGKILL');
    endSession(child.pid);
  }
});

/**
 * Linux ends a child together with the process that started it, however that ended, if it is asked to. A process that is
 * killed has no time to do it itself. Elsewhere a child outlives a parent that was killed.
 */
const setpriv = process.platform === 'linux' ? find('setpriv') : undefined;
function privileges({ orphanSignal = 'KILL', user }: ChildOptions): readonly string[] {
  if (setpriv === undefined) return [];
  const identity = user === undefined ? [] : ['--reuid', user, '--regid', user, '--init-groups'];
  return [setpriv, ...identity, '--pdeathsig', orphanSignal];
}

function find(program: string): string | undefined {
  return path
    .split(delimiter)
    .map((directory) => join(directory, program))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** A server process, with what it starts itself, that is waited for here and stopped by itself. */
export class Child implements AsyncDisposable {
  readonly process: ChildProcess;
  readonly #log: string | undefined;
  #output = '';
  /** Why the last question whether it is ready was not answered. */
  #refusal = '';

  private constructor(process: ChildProcess, { log, onLine }: ChildOptions) {
    this.process = process;
    this.#log = log;
    running.add(this);
    for (const event of ['exit', 'error']) process.once(event, () => running.delete(this));
    for (const stream of [process.stdout, process.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#output = (this.#output + chunk.toString()).slice(-keptOutput);
      });
      if (stream && onLine !== undefined) createInterface({ input: stream }).on('line', onLine);
    }
  }

  /** Resolves once it is ready. Rejects with the end of its output when it ends before that or takes too long. */
  static async start(o: ChildOptions): Promise<Child> {
    const [command, ...args] = [...privileges(o), o.command, ...o.args];
    const log = o.log === undefined ? 'pipe' : openSync(o.log, 'a');
    const child = new Child(
      spawn(command!, args, {
        stdio: ['ignore', log, log, ...(o.extraFds ?? [])],
        env: { ...serverEnvironment, ...o.env },
        cwd: o.cwd,
        // A session and a group of its own: signals reach what it starts, too.
        detached: true,
      }),
      o,
    );
    if (typeof log === 'number') closeSync(log);
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

  /** The last of what it wrote; it may begin within a line. */
  get output(): string {
    return this.#log === undefined ? this.#output : readFileSync(this.#log, 'utf8').slice(-keptOutput);
  }

  get running(): boolean {
    return (
      this.process.pid !== undefined && this.process.exitCode === null && this.process.signalCode === null
    );
  }

  /** Sends a signal to it and to what it started. Nothing, once it has ended. */
  signal(name: NodeJS.Signals): void {
    if (this.running) signal(-this.pid, name);
  }

  /** Asks it to end, and ends it after `withinMs`; resolves when it is gone. A frozen one goes on to do so. */
  async stop(name: NodeJS.Signals, withinMs = 20_000): Promise<void> {
    if (!this.running) return;
    const ended = new Promise<void>((resolve) => this.process.once('exit', () => resolve()));
    if (name === 'SIGKILL') this.signal(name);
    else this.process.kill(name);
    this.signal('SIGCONT');
    const timer = setTimeout(() => this.signal('SIGKILL'), withinMs);
    await ended;
    clearTimeout(timer);
    endSession(this.pid);
  }

  /** It does not keep this process from ending any more, which then ends it. */
  unref(): void {
    this.process.unref();
    for (const stream of [this.process.stdout, this.process.stderr])
      if (stream instanceof Socket) stream.unref();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.running) await this.stop('SIGKILL');
    // What ended by itself may have left helpers behind.
    else if (this.process.pid !== undefined) endSession(this.process.pid);
  }

  async #ready(readyWhen: ChildOptions['readyWhen'], withinMs: number): Promise<void> {
    const waiting = new AbortController();
    const failed = new Promise<never>((_, reject) => {
      const fail = (why: string) =>
        reject(new Error(`${this.process.spawnargs.join(' ')}: ${why}\n${this.#refusal}\n${this.output}`));
      const timer = setTimeout(() => fail(`not ready within ${withinMs} ms`), withinMs);
      waiting.signal.addEventListener('abort', () => clearTimeout(timer));
      this.process.once('error', (error) => fail(error.message));
      this.process.once('exit', (code, by) => fail(`ended with ${by ?? code} before it was ready`));
    });
    try {
      const ready =
        readyWhen instanceof RegExp ? this.#said(readyWhen) : this.#answered(readyWhen, waiting.signal);
      await Promise.race([ready, failed]);
    } finally {
      waiting.abort();
    }
  }

  #said(pattern: RegExp): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (pattern.test(this.#output)) resolve();
      };
      this.process.stdout?.on('data', look);
      this.process.stderr?.on('data', look);
    });
  }

  async #answered(question: () => Promise<void>, waiting: AbortSignal): Promise<void> {
    while (!waiting.aborted) {
      try {
        return await question();
      } catch (error) {
        this.#refusal = String(error);
        await delay(askAgainMs);
      }
    }
  }
}
