import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { PassRequest, PassResult } from './generator/load.ts';
import type { ConnectResult, PoolSpec } from './generator/pool.ts';
import type { LoadSpec, Reply, Request } from './generator/protocol.ts';

type Ask<T extends Request['t']> = Omit<Extract<Request, { t: T }>, 'id' | 't'>;

/** The generator process, as the bench sees it. */
export class Generator implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (result: never) => void; reject: (error: Error) => void }>();
  #lastId = 0;

  constructor() {
    this.#child = fork(fileURLToPath(new URL('./generator/main.ts', import.meta.url)), {
      execArgv: ['--max-old-space-size=4096'],
    });
    this.#child.on('message', (reply: Reply) => {
      const waiting = this.#waiting.get(reply.id);
      this.#waiting.delete(reply.id);
      if (reply.ok) waiting?.resolve(reply.result as never);
      else waiting?.reject(new Error(reply.error));
    });
    this.#child.on('exit', (code, signal) => {
      for (const { reject } of this.#waiting.values())
        reject(new Error(`the generator ended with ${signal ?? code}`));
      this.#waiting.clear();
    });
  }

  open(spec: LoadSpec): Promise<void> {
    return this.#ask('open', { spec });
  }

  pass(request: PassRequest): Promise<PassResult> {
    return this.#ask('pass', { request });
  }

  pages(request: PassRequest): Promise<PassResult> {
    return this.#ask('pages', { request });
  }

  /** Devices of the pool: sign in, sync, stay. */
  connect(spec: PoolSpec): Promise<ConnectResult> {
    return this.#ask('connect', { spec });
  }

  befriend(each: number): Promise<void> {
    return this.#ask('befriend', { each });
  }

  /** What went wrong in the pool since its last connect. */
  failures(): Promise<readonly string[]> {
    return this.#ask('failures', {});
  }

  disconnect(): Promise<void> {
    return this.#ask('disconnect', {});
  }

  close(): Promise<void> {
    return this.#ask('close', {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await ended;
  }

  #ask<T extends Request['t'], R>(t: T, ask: Ask<T>): Promise<R> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ t, id, ...ask });
    });
  }
}
