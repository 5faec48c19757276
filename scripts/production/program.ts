import { existsSync } from 'node:fs';
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Child } from '../../test/engines/child.ts';
import type { EngineSpec } from '../../test/engines/engine.ts';

export interface ProgramOptions {
  readonly name: string;
  readonly spec: EngineSpec;
  /** Besides this process's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** The file that its output is added to. */
  readonly log: string;
  readonly say: (line: string) => void;
  /** How long it may take to end. Default: 45 s. */
  readonly stopWithinMs?: number;
}

const readyWithinMs = 120_000;
const stopWithinMs = 45_000;
/** Before it is started again; twice as long each time that it does not come up. */
const firstPauseMs = 1_000;
const longestPauseMs = 30_000;
/** A log above this is put aside at the next start, in the place of the one before. */
const keptLogBytes = 32 * 1024 * 1024;

/** A server of production in a process of its own, which is started again when it dies, and ends with this process. */
export class Program {
  readonly name: string;
  readonly #o: ProgramOptions;
  #child: Child | undefined;
  readonly #stopping = new AbortController();
  #starting: Promise<void> = Promise.resolve();
  #again: Promise<void> = Promise.resolve();

  constructor(o: ProgramOptions) {
    this.name = o.name;
    this.#o = o;
  }

  /** Resolves once it serves, or is to stop; rejects with the end of its log. `more`: arguments of this start alone. */
  start(more: readonly string[] = []): Promise<void> {
    this.#starting = this.#start(more);
    return this.#starting;
  }

  /** SIGTERM, and SIGKILL for what takes too long. It is not started again. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#starting.catch(() => {});
    await this.#again;
    await this.#child?.stop('SIGTERM', this.#o.stopWithinMs ?? stopWithinMs);
  }

  async #start(more: readonly string[]): Promise<void> {
    const { spec } = this.#o;
    await mkdir(spec.directory, { recursive: true });
    await spec.configure?.();
    await this.#layOut();
    await this.#launch(more);
  }

  /** Once; what was interrupted is begun anew. */
  async #layOut(): Promise<void> {
    const { spec } = this.#o;
    const mark = join(spec.directory, 'laid-out');
    if (spec.prepare === undefined || existsSync(mark)) return;
    await rm(spec.directory, { recursive: true });
    await mkdir(spec.directory, { recursive: true });
    await spec.configure?.();
    await spec.prepare();
    await writeFile(mark, '');
  }

  async #launch(more: readonly string[]): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    const { spec, env, log } = this.#o;
    await mkdir(dirname(log), { recursive: true });
    const { size } = await stat(log).catch(() => ({ size: 0 }));
    if (size > keptLogBytes) await rename(log, `${log}.1`);
    this.#child = await Child.start({
      command: spec.command,
      args: [...spec.args, ...more],
      env,
      cwd: spec.directory,
      log,
      orphanSignal: 'TERM',
      // What is to stop need not be ready first.
      readyWhen: async () => {
        if (!this.#stopping.signal.aborted) await spec.ask();
      },
      readyWithinMs: spec.readyWithinMs ?? readyWithinMs,
    });
    this.#o.say(`${this.name.padEnd(22)} process ${this.#child.pid}`);
    this.#child.process.once('exit', (code, signal) => {
      if (!this.#stopping.signal.aborted) this.#again = this.#comeAgain(signal ?? code);
    });
    // It may have ended just before.
    if (!this.#child.running && !this.#stopping.signal.aborted) this.#again = this.#comeAgain('it was ready');
  }

  async #comeAgain(how: string | number | null): Promise<void> {
    this.#o.say(`${this.name.padEnd(22)} ended with ${how}; it is started again`);
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      try {
        await pause(pauseMs, undefined, { signal: this.#stopping.signal });
        await this.#o.spec.configure?.();
        return await this.#launch([]);
      } catch (error) {
        if (this.#stopping.signal.aborted) return;
        this.#o.say(`${this.name.padEnd(22)} did not start: ${(error as Error).message.split('\n')[0]}`);
      }
    }
  }
}
