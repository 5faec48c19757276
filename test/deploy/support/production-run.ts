import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from '../../../scripts/paths.ts';
import { until } from '../../e2e/support/until.ts';

const run = promisify(execFile);
const startsWithinMs = 300_000;
const stopsWithinMs = 180_000;

export interface ProductionOptions {
  readonly directory: string;
  /** The first three numbers of its addresses. */
  readonly net: string;
  /** Besides the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
}

/** `npm run production`, as somebody at a terminal has it: what it says is all that is known of it. */
export class ProductionRun implements AsyncDisposable {
  readonly #o: ProductionOptions;
  readonly #child: ChildProcess;
  #said = '';

  private constructor(o: ProductionOptions) {
    this.#o = o;
    this.#child = spawn('npm', ['run', 'production', '--', '--directory', o.directory, '--network', o.net], {
      cwd: root,
      env: { ...process.env, ...o.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // As by a terminal, Ctrl-C goes to all of the group.
      detached: true,
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (chunk: Buffer) => (this.#said += chunk.toString()));
  }

  /** Resolves once it says how to chat. */
  static async start(o: ProductionOptions): Promise<ProductionRun> {
    const production = new ProductionRun(o);
    try {
      await until(
        () => production.#said.includes('Ctrl-C ends it all') || production.#ended,
        () => production.said,
        startsWithinMs,
      );
      assert.ok(!production.#ended, production.said);
      return production;
    } catch (error) {
      await production[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** What a start that is refused says, and how it ends. */
  static async refused(
    o: ProductionOptions,
  ): Promise<{ readonly code: number | null; readonly said: string }> {
    const production = new ProductionRun(o);
    if (!production.#ended) await once(production.#child, 'exit');
    return { code: production.#child.exitCode, said: production.said };
  }

  /** Everything that it has written. */
  get said(): string {
    return this.#said;
  }

  /** An address of its network. */
  address(number: number): string {
    return `${this.#o.net}.${number}`;
  }

  path(...names: readonly string[]): string {
    return join(this.#o.directory, ...names);
  }

  /** The process of a program, by what was said of it last. */
  pid(program: string): number {
    const [found] = [...this.#said.matchAll(new RegExp(`^${program} +process (\\d+)$`, 'gm'))].slice(-1);
    assert.ok(found !== undefined, `nothing was said of ${program}: ${this.#said}`);
    return Number(found[1]);
  }

  /** The network of a machine, as `ip` calls it. */
  async namespace(machine: string): Promise<string> {
    const { stdout } = await run('ip', ['netns', 'list']);
    for (const name of stdout.split('\n').map((line) => line.split(' ')[0] ?? '')) {
      if (!name.endsWith(`-${machine}`)) continue;
      const { stdout: addresses } = await run('ip', ['-n', name, 'addr']);
      if (addresses.includes(` ${this.#o.net}.`)) return name;
    }
    throw new Error(`there is no machine ${machine}`);
  }

  /** The lines of JSON in a file of the receiver's. */
  async received(file: 'alerts.log' | 'webhooks.log'): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const text = await readFile(this.path('receiver', file), 'utf8').catch(() => '');
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    return whole
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  }

  /** Ctrl-C. Resolves with its exit code once it has ended. */
  async stop(): Promise<number | null> {
    if (this.#ended) return this.#child.exitCode;
    const ended = once(this.#child, 'exit');
    process.kill(-(this.#child.pid as number), 'SIGINT');
    const late = setTimeout(() => process.kill(-(this.#child.pid as number), 'SIGKILL'), stopsWithinMs);
    await ended;
    clearTimeout(late);
    return this.#child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  get #ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }
}
