import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

export interface ListenerConfig {
  readonly host: string;
  readonly port: number;
  readonly maxConnections: number;
  readonly handshakeMs: number;
}

/** How long the other side may take to end a connection that we have ended. */
const lingerMs = 1_000;

type Refused = 'tooManyConnections' | 'handshakeTimeout' | 'acceptFailed';

/**
 * Accepts connections and hands them on. One that has not begun a call in time is cut, be it silent, stuck in its
 * handshake, or another protocol; and there is a limit on how many there are.
 */
export class Listener {
  readonly #config: ListenerConfig;
  readonly #server: Server;
  /** Connections that have begun no call yet, by peer. */
  readonly #waiting = new Map<string, NodeJS.Timeout>();
  readonly #open = new Set<Socket>();
  #emptied: (() => void) | undefined;
  readonly #refused: (reason: Refused) => void;
  #address: AddressInfo = { address: '', family: '', port: 0 };

  constructor(
    config: ListenerConfig,
    events: {
      readonly connection: (socket: Socket) => void;
      readonly refused: (reason: Refused) => void;
    },
  ) {
    this.#config = config;
    this.#refused = events.refused;
    this.#server = createServer({ noDelay: true }, (socket) => {
      this.#accept(socket);
      events.connection(socket);
    });
    this.#server.maxConnections = config.maxConnections;
    // Out of descriptors, say: that connection is lost, the others and the listener are not.
    this.#server.on('error', () => events.refused('acceptFailed'));
    this.#server.on('drop', () => events.refused('tooManyConnections'));
  }

  #accept(socket: Socket): void {
    const peer = `${socket.remoteAddress}:${socket.remotePort}`;
    this.#open.add(socket);
    this.#waiting.set(
      peer,
      setTimeout(() => {
        this.#refused('handshakeTimeout');
        socket.destroy();
      }, this.#config.handshakeMs),
    );
    // Whoever reads the socket hears of errors, too; a socket cut before that must not bring the process down.
    socket.on('error', () => {});
    // An HTTP/2 session that is over ends our side alone; whoever keeps his would keep the connection.
    socket.once('finish', () => setTimeout(() => socket.destroy(), lingerMs).unref());
    socket.on('close', () => {
      this.#open.delete(socket);
      this.began(peer);
      if (this.#open.size === 0) this.#emptied?.();
    });
  }

  /** The peer has begun a call. */
  began(peer: string): void {
    const timer = this.#waiting.get(peer);
    if (timer === undefined) return;
    clearTimeout(timer);
    this.#waiting.delete(peer);
  }

  get connections(): number {
    return this.#open.size;
  }

  /** Where it listens, or did. */
  get address(): AddressInfo {
    return this.#address;
  }

  /** On the port that it had before, where it had one. */
  async listen(): Promise<void> {
    const { host, port } = this.#config;
    this.#server.listen(this.#address.port || port, host);
    await once(this.#server, 'listening');
    this.#address = this.#server.address() as AddressInfo;
  }

  /** Accepts no more until `listen`; those that are open end in a moment. */
  shut(): void {
    this.#server.close();
    const open = [...this.#open];
    setTimeout(() => {
      for (const socket of open) socket.destroy();
    }, lingerMs).unref();
  }

  /** Accepts no more. Those that are open stay. */
  refuse(): void {
    this.#server.close();
  }

  /** Resolves when no connection is left, or when the time is over. */
  async emptied(deadlineMs: number): Promise<void> {
    if (this.#open.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, deadlineMs);
      this.#emptied = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Cuts all connections; resolves when the port is free. */
  async close(): Promise<void> {
    const closed = this.#server.listening ? once(this.#server, 'close') : undefined;
    this.#server.close();
    const ends = [...this.#open].map((socket) => once(socket, 'close'));
    for (const socket of this.#open) socket.destroy();
    await Promise.all([closed, ...ends]);
  }
}
