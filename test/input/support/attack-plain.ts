import { count, type Tally } from './attack.ts';
import type { HostileFrame } from './hostile-frames.ts';
import { PlainVisitor } from './plain-visitor.ts';

let barriers = 0;

/** A hostile plain socket. */
export class HostilePlainSocket {
  readonly #visitor: PlainVisitor;
  readonly #tally: Tally;
  #awaited = '';
  #told: string | undefined;
  #wake: () => void = () => {};

  private constructor(visitor: PlainVisitor, tally: Tally) {
    this.#visitor = visitor;
    this.#tally = tally;
    tally.connections += 1;
    visitor.socket.removeAllListeners('message');
    visitor.socket.on('message', (data) => this.#take(JSON.parse(String(data)) as PlainAnswer));
    visitor.socket.on('close', () => this.#wake());
  }

  static async open(port: number, userId: string, tally: Tally): Promise<HostilePlainSocket> {
    return new HostilePlainSocket(await PlainVisitor.open(port, `?user_id=${userId}`), tally);
  }

  get closed(): boolean {
    return this.#visitor.closed !== undefined;
  }

  async suffer(frames: readonly HostileFrame[]): Promise<void> {
    for (const { frame } of frames) this.#visitor.socket.send(frame);
    this.#tally.frames += frames.length;
    barriers += 1;
    this.#awaited = `barrier ${barriers}`;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const last = { type: 'group', group_id: 'own', client_id: this.#awaited, content: 'x' };
    this.#visitor.socket.send(JSON.stringify(last));
    const timer = setTimeout(() => {
      this.#tally.problems.push(`no answer; told ${this.#told}`);
      resolve();
    }, 60_000);
    if (!this.closed) await promise;
    clearTimeout(timer);
  }

  async finish(): Promise<void> {
    const { closed } = this.#visitor;
    if (closed !== undefined) this.#tally.closed(closed.code, closed.reason, this.#told);
    await this.#visitor[Symbol.asyncDispose]();
  }

  #take({ type, reason, client_id }: PlainAnswer): void {
    if (type === 'error' && reason !== undefined) {
      this.#told = reason;
      this.#tally.refusedPlainly(reason);
    }
    count(this.#tally.answers, type);
    if (client_id === this.#awaited) this.#wake();
  }
}

interface PlainAnswer {
  readonly type: string;
  readonly reason?: string;
  readonly client_id?: string;
}
