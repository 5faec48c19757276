import { connect, createServer, type Server, type Socket } from 'node:net';

/** Where the next connection that sends a COMMIT is cut. */
export type Cut = 'none' | 'beforeRequest' | 'afterAnswer';

/**
 * Stands between a store and its database, and cuts a connection at its COMMIT: before the request reaches the database,
 * or when the answer has come and nobody has heard it yet.
 */
export class CutProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  cut: Cut = 'none';
  cuts = 0;
  /** Runs while a request waits that has this in it; once. */
  before: { readonly text: string; readonly run: () => Promise<void> } | undefined;

  private constructor(port: number) {
    this.#server = createServer((client) => this.#join(client, connect(port, '127.0.0.1')));
  }

  static async start(port: number): Promise<CutProxy> {
    const proxy = new CutProxy(port);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return address.port;
  }

  #join(client: Socket, database: Socket): void {
    let deaf = false;
    const drop = () => {
      client.destroy();
      database.destroy();
    };
    for (const socket of [client, database]) {
      this.#sockets.add(socket);
      socket.on('error', drop);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        drop();
      });
    }
    client.on('data', (bytes) => {
      const { before } = this;
      if (before !== undefined && bytes.includes(before.text)) {
        this.before = undefined;
        client.pause();
        void before.run().then(() => {
          database.write(bytes);
          client.resume();
        }, drop);
        return;
      }
      if (this.cut !== 'none' && bytes.includes(';COMMIT')) {
        deaf = true;
        this.cuts += 1;
        if (this.cut === 'beforeRequest') drop();
        this.cut = 'none';
      }
      database.write(bytes);
    });
    database.on('data', (bytes) => {
      if (deaf) drop();
      else client.write(bytes);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
