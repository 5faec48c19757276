import {
  createServer,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type Http2Session,
} from 'node:http2';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type ConnectRouter, createConnectRouter, createContextValues } from '@connectrpc/connect';
import type { UniversalHandler } from '@connectrpc/connect/protocol';
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from '@connectrpc/connect-node';
import { ConfigError } from '../core/config.ts';
import { checkReach, type Mode } from '../core/core-options.ts';
import type { SessionHost, UnaryHost } from '../core/door.ts';
import type { TlsSource } from '../core/certificates.ts';
import { LinkTlsListener } from '../core/link-tls-listener.ts';
import type { Logger } from '../core/log.ts';
import type { Service } from '../core/service.ts';
import { AttachRoute, maxAttachBytes } from './attach-route.ts';
import { knowsClusterToken } from '../core/cluster-token.ts';
import type { NodeConfig } from './options.ts';
import { remoteAddressKey, unaryRoutes } from './unary-routes.ts';

const usualPingMs = 10_000;
const leastTokenLength = 32;

export interface ConnectServerInit {
  readonly config: NodeConfig;
  readonly mode: Mode;
  readonly nodeId: string;
  /** Undefined: without TLS. */
  readonly tls?: TlsSource | undefined;
  readonly log: Logger;
  readonly sessions: SessionHost;
  readonly unary: UnaryHost;
  /** How often a connection is asked for a sign of life. */
  readonly pingMs?: number;
}

/**
 * The private port: remote bridges attach to it, and they and internal services make unary calls on it. Connect, gRPC
 * and gRPC-Web over HTTP/2; with TLS for those that show a certificate of the cluster's authority, and nobody else.
 */
export class ConnectServer implements Service {
  readonly name = 'connect';
  readonly #init: ConnectServerInit;
  readonly #attach: AttachRoute;
  readonly #server: Http2Server;
  readonly #listener: LinkTlsListener | undefined;
  readonly #handlers = new Map<string, UniversalHandler>();
  readonly #connections = new Set<{ destroy(): void }>();

  /** Throws a ConfigError where the port would be open to anybody. */
  constructor(init: ConnectServerInit) {
    const { config, mode, nodeId, tls, log, sessions, unary } = init;
    checkReach(mode, { PARLEY_NODE_HOST: config.host });
    const short = config.clusterToken.length < leastTokenLength;
    if (short && (mode === 'production' || config.clusterToken !== ''))
      throw new ConfigError([`PARLEY_CLUSTER_TOKEN must have at least ${leastTokenLength} characters`]);
    this.#init = init;
    this.#route(unaryRoutes(unary));
    this.#attach = new AttachRoute({ sessions, nodeId, clusterToken: config.clusterToken, log });
    this.#route((router) => this.#attach.register(router));
    this.#server = createServer(
      {
        // Node's defaults (10 MB a connection, 64 KiB a stream) are for browsers.
        maxSessionMemory: 256,
        settings: { initialWindowSize: 4 * 1024 * 1024, maxConcurrentStreams: 1_000, enablePush: false },
      },
      (request, response) => this.#serve(request, response),
    );
    // What comes out of TLS is injected in clear.
    const connection = (socket: TLSSocket): void => void this.#server.emit('connection', socket);
    if (tls !== undefined) this.#listener = new LinkTlsListener({ tls, log, connection });
    this.#server.on('session', (session) => {
      session.setLocalWindowSize(16 * 1024 * 1024);
      session.on('error', () => session.destroy());
    });
    this.#server.prependListener('connection', (connection) => {
      // Made while the event is handled.
      this.#server.once('session', (session) =>
        endWhenSilent(session, connection, init.pingMs ?? usualPingMs),
      );
      this.#connections.add(connection);
      connection.once('close', () => this.#connections.delete(connection));
    });
  }

  get port(): number {
    return this.#listener?.port ?? (this.#server.address() as AddressInfo | null)?.port ?? 0;
  }

  async start(): Promise<void> {
    const { host, port } = this.#init.config;
    if (this.#listener === undefined) {
      this.#server.listen({ host, port });
      await once(this.#server, 'listening');
    } else await this.#listener.listen({ host, port });
    this.#init.log.info('the node port is open', {
      'event.action': 'node-port-open',
      'parley.node': this.port,
    });
  }

  /** Bridges bring new sessions elsewhere from now on. */
  async drain(): Promise<void> {
    this.#attach.drain();
  }

  /** Sends bridges elsewhere until `reopen`: with the sessions that they open, and those that are ended here. */
  shut(): void {
    this.#attach.shut();
  }

  reopen(): void {
    this.#attach.reopen();
  }

  async stop(): Promise<void> {
    await this.#listener?.close();
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const connection of this.#connections) connection.destroy();
    await closed;
  }

  #route(routes: (router: ConnectRouter) => void): void {
    const router = createConnectRouter({
      // Compression costs seven times what it saves between neighbours.
      acceptCompression: [],
      readMaxBytes: maxAttachBytes,
      writeMaxBytes: maxAttachBytes,
    });
    routes(router);
    for (const handler of router.handlers) this.#handlers.set(handler.requestPath, handler);
  }

  #serve(request: Http2ServerRequest, response: Http2ServerResponse): void {
    const handler = this.#handlers.get((request.url ?? '').split('?', 1)[0] as string);
    if (handler === undefined) {
      response.writeHead(404);
      response.end();
      return;
    }
    const values = createContextValues().set(remoteAddressKey, this.#remoteAddress(request));
    const call = async (): Promise<void> => {
      const answer = await handler(universalRequestFromNodeRequest(request, response, undefined, values));
      await universalResponseToNodeResponse(answer, response);
    };
    // The caller went away, which its signal has told the handler.
    call().catch(() => response.stream.destroy());
  }

  /** A bridge says for whom it calls; others call for themselves. */
  #remoteAddress(request: Http2ServerRequest): string {
    const shown = request.headers['parley-cluster-token'] ?? '';
    const named = request.headers['parley-remote-address'];
    const trusted = typeof shown === 'string' && knowsClusterToken(shown, this.#init.config.clusterToken);
    return trusted && typeof named === 'string' ? named : (request.socket?.remoteAddress ?? '');
  }
}

/**
 * Ends a connection whose other side does not answer pings: the stream of a dead bridge would stay for hours. A session
 * that is over only ends its own side of the connection; one whose other side stays is cut, too.
 */
function endWhenSilent(session: Http2Session, connection: Socket, pingMs: number): void {
  let answered = true;
  const timer = setInterval(() => {
    if (!answered || session.destroyed) {
      session.destroy();
      connection.destroy();
      return;
    }
    answered = false;
    session.ping((error) => {
      // One that has said goodbye and has streams yet is asked in vain.
      if (error === null || session.closed) answered = true;
    });
  }, pingMs);
  connection.once('close', () => clearInterval(timer));
}
