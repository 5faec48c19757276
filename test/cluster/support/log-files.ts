import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** All that the processes of a cluster write to their logs in all of their runs, and not only the end of it. */
export class LogFiles implements AsyncDisposable {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async open(): Promise<LogFiles> {
    return new LogFiles(await mkdtemp(join(tmpdir(), 'parley-logs-')));
  }

  /** What a process is run by, so that its lines are kept. */
  prefixOf(name: string): readonly string[] {
    return ['bash', '-c', 'exec > >(exec tee -a "$0"); exec "$@"', this.#file(name)];
  }

  async linesOf(name: string): Promise<string[]> {
    const text = await readFile(this.#file(name), 'utf8');
    return text.split('\n').filter(Boolean);
  }

  #file(name: string): string {
    return join(this.directory, `${name}.log`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}
