import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { LinkTls } from './link-tls.ts';
import type { Logger } from './log.ts';

export interface LinkTlsListenerParts {
  readonly tls: LinkTls;
  readonly log: Logger;
  /** A node of this cluster has connected. */
  readonly connection: (socket: TLSSocket) => void;
}

const handshakeMs = 10_000;
const mostConnections = 10_000;

/**
 * Accepts connections of those that show a certificate of the cluster's authority, and tells of the others why they are
 * refused: those themselves hear only that they were cut off, and the servers behind this would tell nobody.
 */
export class LinkTlsListener {
  readonly #server: Server;
  readonly #open = new Set<TLSSocket>();

  constructor({ tls, log, connection }: LinkTlsListenerParts) {
    const refused = (address: string | undefined, error: unknown): void =>
      log.warn(
        'a link is refused: it takes a certificate of the authority of PARLEY_LINK_TLS_CA',
        { 'event.action': 'link-refused', 'client.address': address ?? '' },
        error,
      );
    const mutual = { requestCert: true, rejectUnauthorized: false, ALPNProtocols: ['h2'] };
    this.#server = createServer(
      { ...tls, ...mutual, handshakeTimeout: handshakeMs, noDelay: true },
      (socket) => {
        // Whoever reads it hears of its errors; one that comes before must not bring the process down.
        socket.on('error', () => {});
        if (!socket.authorized) {
          refused(socket.remoteAddress, socket.authorizationError);
          socket.destroy();
          return;
        }
        this.#open.add(socket);
        socket.once('close', () => this.#open.delete(socket));
        connection(socket);
      },
    );
    this.#server.maxConnections = mostConnections;
    this.#server.on('tlsClientError', (error, socket) => refused(socket.remoteAddress, error));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0;
  }

  /** Rejects where the port can't be had; 0 takes a free one. */
  async listen(at: { readonly host: string; readonly port: number }): Promise<void> {
    this.#server.listen(at);
    await once(this.#server, 'listening');
  }

  /** Accepts no more, and cuts those that are connected. Resolves when the port is free. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#open) socket.destroy();
    await closed;
  }
}
