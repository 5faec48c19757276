import { once } from 'node:events';
import { WebSocket } from 'ws';
import { until } from '../../e2e/support/until.ts';

export type PlainFrame = Readonly<Record<string, unknown>> & { readonly type: string };

/** A plain socket, and all that came by it. */
export class PlainVisitor implements AsyncDisposable {
  readonly socket: WebSocket;
  readonly frames: PlainFrame[] = [];
  closed: { readonly code: number; readonly reason: string } | undefined;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data) => this.frames.push(JSON.parse(String(data)) as PlainFrame));
    socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() };
    });
    socket.on('error', () => {});
  }

  static async open(port: number, query = ''): Promise<PlainVisitor> {
    const visitor = new PlainVisitor(new WebSocket(`ws://127.0.0.1:${port}/${query}`));
    await once(visitor.socket, 'open');
    return visitor;
  }

  /** Sends a frame, and waits for the next one that is neither a message nor of what came before. */
  async ask(frame: string | Buffer | object): Promise<PlainFrame> {
    const seen = this.frames.length;
    this.socket.send(typeof frame === 'string' || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame));
    const isAnswer = ({ type }: PlainFrame) => type === 'ack' || type === 'error';
    await until(
      () => this.frames.slice(seen).some(isAnswer),
      () => `there is no answer to ${String(frame).slice(0, 100)}; closed: ${JSON.stringify(this.closed)}`,
    );
    return this.frames.slice(seen).find(isAnswer) as PlainFrame;
  }

  async end(): Promise<{ readonly code: number; readonly reason: string }> {
    await until(
      () => this.closed !== undefined,
      () => `it is open still, and heard ${JSON.stringify(this.frames.slice(-3))}`,
    );
    return this.closed as { code: number; reason: string };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.closed !== undefined) return;
    const closed = once(this.socket, 'close');
    this.socket.terminate();
    await closed;
  }
}
