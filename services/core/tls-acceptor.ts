import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { TlsSource } from './certificates.ts';

export interface TlsAcceptorParts {
  readonly tls: TlsSource;
  /** What is spoken inside, the best first. */
  readonly protocols: readonly string[];
  /** A handshake that takes longer is cut off. */
  readonly handshakeMs: number;
  /** The handshake is done; `raw` is the connection that was handed over. */
  readonly accepted: (socket: TLSSocket, raw: Socket) => void;
  /** A handshake failed, or its client has no certificate of ours; the connection is closed. */
  readonly refused: (address: string | undefined, error: unknown) => void;
}

/**
 * Puts TLS on connections that somebody else has accepted, so that limits and counts of connections stay where they are.
 * Where the certificates come with authorities, clients must show a certificate that one of these has signed. Replaced
 * certificates go for handshakes that begin from then on, and nobody resumes a session of before.
 */
export class TlsAcceptor {
  readonly #server: Server;
  /** Handshakes under way, by both ends of the connection. */
  readonly #handshakes = new Map<string, Socket>();

  constructor({ tls, protocols, handshakeMs, accepted, refused }: TlsAcceptorParts) {
    this.#server = createServer(
      {
        ...tls.current,
        // Refused by hand: Node would tell nobody why.
        requestCert: tls.current.ca !== undefined,
        rejectUnauthorized: false,
        ALPNProtocols: [...protocols],
        handshakeTimeout: handshakeMs,
      },
      (socket) => {
        // Whoever reads it hears of its errors; one that comes before must not bring the process down.
        socket.on('error', ignore);
        const name = endsOf(socket);
        const raw = this.#handshakes.get(name);
        this.#handshakes.delete(name);
        if (raw === undefined) {
          socket.destroy();
        } else if (tls.current.ca !== undefined && !socket.authorized) {
          refused(socket.remoteAddress, socket.authorizationError);
          socket.destroy();
        } else accepted(socket, raw);
      },
    );
    this.#server.on('tlsClientError', (error, socket) => {
      refused(socket.remoteAddress, error);
      // Node tells of one that took too long, and leaves it open.
      socket.destroy();
    });
    tls.onChange(() => this.#server.setSecureContext(tls.current));
  }

  /** Begins a handshake; one of the functions given is called when it is over, unless the client goes away. */
  take(raw: Socket): void {
    const name = endsOf(raw);
    this.#handshakes.set(name, raw);
    raw.once('close', () => {
      if (this.#handshakes.get(name) === raw) this.#handshakes.delete(name);
    });
    this.#server.emit('connection', raw);
  }
}

/** No two open connections of a port have the same ends. */
function endsOf({ remoteAddress, remotePort, localAddress }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`;
}

function ignore(): void {}
