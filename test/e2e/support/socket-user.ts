import { once } from 'node:events';
import { WebSocket } from 'ws';
import { until } from './until.ts';

export interface Closing {
  readonly code: number;
  readonly reason: string;
}

/** A WebSocket with nothing of this project behind it: keeps every text frame that comes, parsed. */
export class SocketUser<Frame> implements AsyncDisposable {
  readonly frames: Frame[] = [];
  closed: Closing | undefined;
  readonly #socket: WebSocket;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data) => this.frames.push(JSON.parse(String(data)) as Frame));
    socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() };
    });
  }

  static async open<Frame>(url: string, ...subprotocols: string[]): Promise<SocketUser<Frame>> {
    const socket = new WebSocket(url, subprotocols);
    const user = new SocketUser<Frame>(socket);
    await once(socket, 'open');
    return user;
  }

  tell(frame: object): void {
    this.#socket.send(JSON.stringify(frame));
  }

  /** The first frame for which this holds, whether it has come or will. Rejects when the socket closes first. */
  async hears(wanted: (frame: Frame) => boolean): Promise<Frame> {
    await until(
      () => {
        const heard = this.frames.some(wanted);
        if (!heard && this.closed !== undefined)
          throw new Error(`the socket was closed: ${this.closed.code} ${this.closed.reason}`);
        return heard;
      },
      () => `the socket heard ${JSON.stringify(this.frames.slice(-10))}`,
    );
    return this.frames.find(wanted) as Frame;
  }

  /** Waits until the other side has closed it. */
  async ends(): Promise<Closing> {
    await until(
      () => this.closed !== undefined,
      () => 'the socket stays open',
    );
    return this.closed as Closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#socket.readyState === WebSocket.CLOSED) return;
    const closed = once(this.#socket, 'close');
    this.#socket.terminate();
    await closed;
  }
}
