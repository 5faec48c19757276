import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from '../test/e2e/support/until.ts';
import { serverEnvironment } from '../test/engines/child.ts';
import type { EngineSpec } from '../test/engines/engine.ts';
import { freePort, isFree } from '../test/engines/free-port.ts';
import { endSession, signal, startOf } from '../test/engines/process-table.ts';

/** How an engine is run for development. */
export interface StandingEngineOptions {
  /** Names its files: `NAME/`, `NAME.json`, `NAME.log`. */
  readonly name: string;
  /** Absolute, shared by all engines. */
  readonly directory: string;
  /** How many ports it needs; the first is the one of its URL. */
  readonly ports: number;
  readonly spec: (placed: { readonly directory: string; readonly ports: readonly number[] }) => EngineSpec;
  readonly url: (port: number) => string;
  /** What the engine should have, made anew at each start unless it is there. */
  readonly furnish?: (port: number) => Promise<void>;
}

/** What is remembered of it between two commands. */
interface EngineRecord {
  readonly ports: readonly number[];
  /** Of the process, while one is to run. A process id alone may be somebody else's by now. */
  readonly pid?: number;
  readonly started?: string;
}

export interface EngineStatus {
  readonly pid: number;
  readonly url: string;
  /** The first is the one of the URL. */
  readonly ports: readonly number[];
}

const stopWithinMs = 20_000;
const defaultReadyWithinMs = 60_000;
const logTail = 4_000;

/** An engine that goes on when the command that started it has ended; its data and its ports stay for the next start. */
export class StandingEngine {
  readonly #o: StandingEngineOptions;

  constructor(o: StandingEngineOptions) {
    this.#o = o;
  }

  get name(): string {
    return this.#o.name;
  }

  /** Undefined while it does not run. */
  async status(): Promise<EngineStatus | undefined> {
    const record = await this.#record();
    if (record?.pid === undefined || startOf(record.pid) !== record.started) return undefined;
    return { pid: record.pid, url: this.#o.url(record.ports[0]!), ports: record.ports };
  }

  /** Resolves once it serves; `before` says whether it did already. Rejects with the end of its log. */
  async start(): Promise<EngineStatus & { readonly before: boolean }> {
    const running = await this.status();
    if (running !== undefined) return { ...running, before: true };
    const record = await this.#record();
    const ports = record?.ports ?? (await newPorts(this.#o.ports));
    for (const port of ports)
      if (!(await isFree(port))) throw new Error(`${this.name}: somebody else listens on its port ${port}`);
    const spec = this.#o.spec({ directory: this.#path(''), ports });
    const made = await mkdir(spec.directory, { recursive: true });
    // What is not this engine's, or was interrupted while it was laid out, is not for us to overwrite or remove.
    if (record === undefined && made === undefined)
      throw new Error(
        `${spec.directory} is there already, without ${this.name}.json beside it: remove it first`,
      );
    if (record === undefined) await this.#prepare(spec);
    else await spec.configure?.();
    const pid = await this.#spawn(spec, ports);
    await this.#o.furnish?.(ports[0]!);
    return { pid, url: this.#o.url(ports[0]!), ports, before: false };
  }

  /** Resolves once it has ended; with false where it did not run. What does not end in 20 s is killed. */
  async stop(): Promise<boolean> {
    const [status, record] = [await this.status(), await this.#record()];
    if (status === undefined || record === undefined) return false;
    const { pid } = status;
    const gone = () => startOf(pid) !== record.started;
    const still = () => `${this.name} (process ${pid}) still runs`;
    signal(pid, 'SIGTERM');
    signal(-pid, 'SIGCONT');
    try {
      await until(gone, still, stopWithinMs);
    } catch {
      signal(-pid, 'SIGKILL');
      await until(gone, still);
    }
    endSession(pid);
    await this.#remember({ ports: record.ports });
    return true;
  }

  /** Data that was only half laid out is not kept. */
  async #prepare(spec: EngineSpec): Promise<void> {
    try {
      await spec.configure?.();
      await spec.prepare?.();
    } catch (error) {
      await rm(spec.directory, { recursive: true, force: true });
      throw error;
    }
  }

  async #spawn(spec: EngineSpec, ports: readonly number[]): Promise<number> {
    // Begun anew at each start, and of warnings only: it stays small.
    const log = openSync(this.#path('.log'), 'w');
    const child = spawn(spec.command, spec.args, {
      cwd: spec.directory,
      env: serverEnvironment,
      stdio: ['ignore', log, log],
      detached: true,
    });
    closeSync(log);
    let ending: string | undefined;
    let refusal: unknown;
    child.once('error', (error) => (ending = error.message));
    child.once('exit', (code, by) => (ending = `it ended with ${by ?? code}`));
    // Before it is ready, so that a command that is interrupted leaves nothing unknown behind.
    await this.#remember({ ports, pid: child.pid, started: startOf(child.pid ?? 0) });
    const answers = async () => {
      if (ending !== undefined) return true;
      return spec.ask().then(
        () => true,
        (error: unknown) => {
          refusal = error;
          return false;
        },
      );
    };
    try {
      await until(answers, () => String(refusal), spec.readyWithinMs ?? defaultReadyWithinMs);
      if (ending !== undefined) throw new Error(ending);
    } catch (error) {
      await this.stop();
      const said = (await readFile(this.#path('.log'), 'utf8')).slice(-logTail);
      throw new Error(`${this.name} did not start: ${(error as Error).message}\n${said}`);
    }
    child.unref();
    return child.pid!;
  }

  #path(suffix: string): string {
    return join(this.#o.directory, `${this.name}${suffix}`);
  }

  async #record(): Promise<EngineRecord | undefined> {
    const file = this.#path('.json');
    try {
      return JSON.parse(await readFile(file, 'utf8')) as EngineRecord;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw new Error(`${file} can't be read: ${(error as Error).message}`);
    }
  }

  async #remember(record: EngineRecord): Promise<void> {
    const file = this.#path('.json');
    await writeFile(`${file}.new`, `${JSON.stringify(record)}\n`);
    await rename(`${file}.new`, file);
  }
}

async function newPorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let i = 0; i < count; i += 1) ports.push(await freePort());
  return ports;
}
