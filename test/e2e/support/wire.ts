import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** The way from one client to the server, which can be cut: connections on it break, and new ones are refused. */
export class Wire implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;
  readonly #ends = new Set<Socket>();

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  /** Listens on one port for what goes to another. */
  static async lay(port: number, to: () => number): Promise<Wire> {
    const server = createServer();
    const wire = new Wire(server, port);
    server.on('connection', (near) => {
      const far = connect(to(), '127.0.0.1');
      wire.#join(near, far);
      wire.#join(far, near);
    });
    await wire.mend();
    return wire;
  }

  async cut(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#breakAll();
    await closed;
  }

  async mend(): Promise<void> {
    if (this.#server.listening) return;
    this.#server.listen(this.port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cut();
  }

  #join(from: Socket, to: Socket): void {
    this.#ends.add(from);
    from.on('error', () => to.destroy());
    from.on('close', () => {
      this.#ends.delete(from);
      to.destroy();
    });
    from.pipe(to);
  }

  #breakAll(): void {
    for (const end of this.#ends) end.destroy();
  }
}
