import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { TlsSource } from './certificates.ts';
import type { Logger } from './log.ts';
import { TlsAcceptor } from './tls-acceptor.ts';

export interface LinkTlsListenerParts {
  readonly tls: TlsSource;
  readonly log: Logger;
  /** A node of this cluster has connected. */
  readonly connection: (socket: TLSSocket) => void;
  /** A handshake that takes longer is cut off. */
  readonly handshakeMs?: number;
  /** Handshakes under way, at most: beyond it the oldest is cut off, which has had the most time. */
  readonly mostHandshakes?: number;
}

const mostConnections = 10_000;

/**
 * Accepts connections of those that show a certificate of the cluster's authority, and tells of the others why they are
 * refused: those themselves hear only that they were cut off, and the servers behind this would tell nobody. Replaced
 * certificates go for connections made from then on.
 */
export class LinkTlsListener {
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  /** Those of which nobody knows yet whether they are nodes, the oldest first. */
  readonly #handshakes = new Set<Socket>();

  constructor({ tls, log, connection, handshakeMs = 10_000, mostHandshakes = 1_000 }: LinkTlsListenerParts) {
    const acceptor = new TlsAcceptor({
      tls,
      protocols: ['h2'],
      handshakeMs,
      accepted: (socket, raw) => {
        this.#handshakes.delete(raw);
        connection(socket);
      },
      refused: (address, error) =>
        log.warn(
          'a link is refused: it takes a certificate of the authority of PARLEY_LINK_TLS_CA',
          { 'event.action': 'link-refused', 'client.address': address ?? '' },
          error,
        ),
    });
    this.#server = createServer({ noDelay: true }, (raw) => {
      this.#keep(raw);
      const [oldest] = this.#handshakes;
      if (this.#handshakes.size > mostHandshakes) oldest?.destroy();
      acceptor.take(raw);
    });
    this.#server.maxConnections = mostConnections;
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
    for (const raw of this.#open) raw.destroy();
    await closed;
  }

  #keep(raw: Socket): void {
    this.#open.add(raw);
    this.#handshakes.add(raw);
    // Whoever reads it hears of its errors; one that comes before must not bring the process down.
    raw.on('error', () => {});
    raw.once('close', () => {
      this.#open.delete(raw);
      this.#handshakes.delete(raw);
    });
  }
}
