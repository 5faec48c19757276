import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atEnd } from './at-end.ts';
import { Child } from './child.ts';

/** How to run one server on a directory of its own: what tests and `npm run engines` need to know of it. */
export interface EngineSpec {
  /** As its package calls it. */
  readonly name: string;
  /** All that it keeps is in here. */
  readonly directory: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Besides `args`, the first time it starts. */
  readonly firstArgs?: readonly string[];
  readonly orphanSignal?: 'KILL' | 'TERM';
  readonly user?: string;
  /** Writes its configuration into the directory. Called before every start. */
  configure?(): Promise<void>;
  /** Lays out its data. Called once, before the first start. */
  prepare?(): Promise<void>;
  /** One question in the server's own protocol. Rejects, within seconds, while it does not serve. */
  ask(): Promise<void>;
  /** Default: 60 s. */
  readonly readyWithinMs?: number;
}

const defaultReadyWithinMs = 60_000;

/** An empty directory for an engine of this name. */
export function engineDirectory(name: string): Promise<string> {
  return mkdtemp(join(tmpdir(), `parley-${name}-`));
}

/** Directories whose engines are not disposed of yet. */
const directories = new Set<string>();
// Their servers have been ended by then, but a dying one may still add a file.
atEnd(() => {
  for (const directory of directories)
    rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 });
});

/**
 * A real server in a process of its own, with what tests of faults do to it. It keeps its port and its data through
 * kill and restart; disposing of it removes both. What it started itself shares its fate.
 */
export abstract class Engine implements AsyncDisposable {
  readonly #spec: EngineSpec;
  #child: Child | undefined;
  #unreffed = false;

  protected constructor(spec: EngineSpec) {
    this.#spec = spec;
    directories.add(spec.directory);
  }

  get pid(): number {
    return this.#running.pid;
  }

  /** False, too, where it has ended by itself. */
  get running(): boolean {
    return this.#child?.running ?? false;
  }

  /** The last of what it wrote: for messages of tests that fail. */
  get output(): string {
    return this.#child?.output ?? '';
  }

  /** The first start, for subclasses. A failed one leaves nothing behind. */
  protected async launch(): Promise<void> {
    try {
      await this.#start('first');
    } catch (error) {
      await this[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** SIGKILL: no chance to write anything more. Resolves when it is gone. */
  async kill(): Promise<void> {
    await this.#running.stop('SIGKILL');
  }

  /** SIGTERM. Resolves when it has ended. */
  async stop(): Promise<void> {
    await this.#running.stop('SIGTERM');
  }

  /** SIGSTOP: connections stay open and nothing is answered, as with a machine that hangs. */
  freeze(): void {
    this.#running.signal('SIGSTOP');
  }

  /** SIGCONT: goes on as if nothing had been. */
  thaw(): void {
    this.#running.signal('SIGCONT');
  }

  /** On the same port and data; ends it before if it runs. Resolves when it serves again. */
  async restart(): Promise<void> {
    await this.#child?.stop('SIGTERM');
    await this.#start('again');
  }

  /** Once nothing else is left to do, this process ends, and this engine with it. */
  unref(): void {
    this.#unreffed = true;
    this.#running.unref();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child?.[Symbol.asyncDispose]();
    await rm(this.#spec.directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 });
    directories.delete(this.#spec.directory);
  }

  get #running(): Child {
    if (this.#child === undefined) throw new Error(`${this.#spec.name} has not been started`);
    return this.#child;
  }

  async #start(time: 'first' | 'again'): Promise<void> {
    await this.#spec.configure?.();
    if (time === 'first') await this.#spec.prepare?.();
    const {
      command,
      args,
      firstArgs = [],
      orphanSignal,
      user,
      directory,
      readyWithinMs = defaultReadyWithinMs,
    } = this.#spec;
    this.#child = await Child.start({
      command,
      args: time === 'first' ? [...args, ...firstArgs] : args,
      cwd: directory,
      orphanSignal,
      user,
      readyWhen: () => this.#spec.ask(),
      readyWithinMs,
    });
    if (this.#unreffed) this.#child.unref();
  }
}
