import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';

export interface ListenerInit {
  readonly accept: (connection: Socket) => void;
  /** A connection that was accepted is closed. */
  readonly gone: (connection: Socket) => void;
  /** Connections on each address; more are dropped. */
  readonly limit: number;
}

/** What is under way when a port is shut may be answered yet. */
const farewellMs = 1_000;

/** One port on one or more addresses. */
export class Listener {
  readonly #servers: Server[] = [];
  readonly #connections = new Set<Socket>();
  readonly #accept: (connection: Socket) => void;
  readonly #limit: number;
  /** One function for all connections: they are many, and mostly idle. */
  readonly #onClose: (this: Socket) => void;
  #closing: Promise<unknown>[] | undefined;
  #port = 0;

  constructor({ accept, gone, limit }: ListenerInit) {
    this.#accept = accept;
    this.#limit = limit;
    const connections = this.#connections;
    this.#onClose = function onClose() {
      connections.delete(this);
      gone(this);
    };
  }

  /** The port in use, once listening. */
  get port(): number {
    return this.#port;
  }

  /**
   * Listens on the port on the first address, and on the others as far as the machine has them. Port 0 draws one.
   * Rejects when the first can't be had, or another one is somebody else's.
   */
  async listen(hosts: readonly string[], port: number): Promise<void> {
    for (const [index, host] of hosts.entries()) {
      // A client may send its end before it has our answer.
      const server = createServer({ noDelay: true, allowHalfOpen: true }, (connection) =>
        this.#take(connection),
      );
      try {
        server.maxConnections = this.#limit;
        server.listen({ host, port: index === 0 ? port : this.port, backlog: 4096 });
        await once(server, 'listening');
        if (index === 0) this.#port = (server.address() as AddressInfo).port;
        this.#servers.push(server);
      } catch (error) {
        const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
        if (index === 0 || (taken && port !== 0)) throw error;
      }
    }
  }

  /** Takes no more connections. */
  refuse(): void {
    this.#closing ??= this.#servers.map((server) => new Promise((resolve) => server.close(resolve)));
  }

  /** Takes no connections until `reopen`; those that are open end in a moment. */
  shut(): void {
    this.refuse();
    const open = [...this.#connections];
    setTimeout(() => {
      for (const connection of open) connection.destroy();
    }, farewellMs).unref();
  }

  /** On the same port as before. Rejects where it can't be had. */
  async reopen(hosts: readonly string[]): Promise<void> {
    this.#servers.length = 0;
    this.#closing = undefined;
    await this.listen(hosts, this.#port);
  }

  /** Ends all connections at once. */
  async stop(): Promise<void> {
    this.refuse();
    for (const connection of this.#connections) connection.destroy();
    await Promise.all(this.#closing ?? []);
  }

  #take(connection: Socket): void {
    this.#connections.add(connection);
    connection.on('error', ignore);
    connection.on('close', this.#onClose);
    this.#accept(connection);
  }
}

/** A connection that breaks is a closed connection. */
function ignore(): void {}
