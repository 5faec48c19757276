import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';

/** strace on all threads of a process that runs already. */
export class Strace implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #output: string;

  private constructor(child: ChildProcess, output: string) {
    this.#child = child;
    this.#output = output;
  }

  /** Resolves when nothing that the process writes or syncs escapes any more. */
  static async attach(pid: number, output: string): Promise<Strace> {
    const calls = 'trace=write,fsync,fdatasync';
    const args = ['-f', '-ttt', '-T', '-y', '-s', '48', '-e', calls, '-o', output, '-p', String(pid)];
    const child = spawn('strace', args, { stdio: ['ignore', 'ignore', 'pipe'] });
    const strace = new Strace(child, output);
    await new Promise<void>((resolve, reject) => {
      let said = '';
      child.stderr?.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        if (said.includes('attached')) resolve();
      });
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`strace ended with ${code}: ${said}`)));
    });
    return strace;
  }

  /** Lets the process go; returns what was traced. */
  async detach(): Promise<string> {
    await this.#end('SIGINT');
    return readFile(this.#output, 'utf8');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end('SIGKILL');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill(signal);
    await ended;
  }
}
