import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../services/main.ts', import.meta.url));
const restartAfterMs = 1_000;
const stopWithinMs = 20_000;

export interface ClusterNodeParts {
  readonly name: string;
  /** As `--roles` takes them. */
  readonly roles: string;
  readonly env: Readonly<Record<string, string>>;
  /** Where its log goes. */
  readonly directory: string;
  readonly say: (line: string) => void;
}

/** One node of `npm run cluster`: a process that is started again when it dies. */
export class ClusterNode {
  readonly #parts: ClusterNodeParts;
  #child: ChildProcess | undefined;
  #again: NodeJS.Timeout | undefined;
  #stopping = false;
  #wasReady = false;

  constructor(parts: ClusterNodeParts) {
    this.#parts = parts;
  }

  /** Resolves once it is ready; rejects, with the last of what it said, when it ends before. */
  start(): Promise<void> {
    const { name, roles, env, directory, say } = this.#parts;
    const file = join(directory, `${name}.log`);
    // Begun anew at each start, so that it stays small.
    const log = createWriteStream(file);
    const child = spawn(process.execPath, [main, 'start', '--roles', roles], {
      env: { ...process.env, ...env, PARLEY_NODE_ID: name },
      stdio: ['ignore', 'pipe', 'pipe'],
      // Ctrl-C is for the whole cluster, in its own order.
      detached: true,
    });
    this.#child = child;
    let tail = '';
    return new Promise((resolve, reject) => {
      const heard = (chunk: Buffer): void => {
        log.write(chunk);
        tail = (tail + chunk.toString()).slice(-4_000);
        if (!tail.includes('"event.action":"ready"')) return;
        say(`${name.padEnd(8)} ${roles}  (process ${child.pid}, log in ${file})`);
        this.#wasReady = true;
        resolve();
        for (const stream of [child.stdout, child.stderr]) {
          stream.off('data', heard);
          stream.on('data', (later: Buffer) => void log.write(later));
        }
      };
      for (const stream of [child.stdout, child.stderr]) stream.on('data', heard);
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        log.end();
        this.#child = undefined;
        if (this.#stopping) return;
        reject(new Error(`${name} ended with ${signal ?? code}: ${tail}`));
        // What can't even start is for people to look at.
        if (!this.#wasReady) return;
        say(`${name.padEnd(8)} ended with ${signal ?? code}; it is started again`);
        this.#again = setTimeout(() => void this.start().catch(() => {}), restartAfterMs);
      });
    });
  }

  /** SIGTERM: it hands over what it has. What takes longer than 20 s is killed. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#again);
    const child = this.#child;
    if (child === undefined) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), stopWithinMs);
    await gone;
    clearTimeout(late);
  }
}
