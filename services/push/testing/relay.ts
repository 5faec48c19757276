import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** Stands between a client and a service, and can stop passing anything on while all connections stay open. */
export class Relay implements AsyncDisposable {
  readonly #server: Server;
  readonly #pairs = new Set<readonly Socket[]>();

  private constructor(port: number) {
    this.#server = createServer((client) => this.#join([client, connect(port, '127.0.0.1')]));
  }

  static async to(port: number): Promise<Relay> {
    const relay = new Relay(port);
    relay.#server.listen(0, '127.0.0.1');
    await once(relay.#server, 'listening');
    return relay;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections that are open pass nothing on any more; new ones do. */
  freeze(): void {
    for (const socket of [...this.#pairs].flat()) socket.unpipe().pause();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of [...this.#pairs].flat()) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(pair: readonly [Socket, Socket]): void {
    this.#pairs.add(pair);
    const [client, service] = pair;
    client.pipe(service).pipe(client);
    for (const socket of pair) {
      socket.on('error', () => {});
      socket.once('close', () => {
        this.#pairs.delete(pair);
        for (const each of pair) each.destroy();
      });
    }
  }
}
