import { connect } from 'node:tls';
import { type Client, createClient, type Interceptor, type Transport } from '@connectrpc/connect';
import { createConnectTransport, Http2SessionManager } from '@connectrpc/connect-node';
import { BridgeService } from '../gen/parley/node/v1/bridge_pb.ts';
import type { TlsSource } from '../services/core/certificates.ts';
import { anyNode } from '../services/core/link-tls.ts';

const maxMessageBytes = 16 * 1024 * 1024;

/** The way to one connection node: an HTTP/2 connection for all calls, kept alive by pings. */
export class UpstreamRoute {
  readonly url: string;
  readonly rpc: Transport;
  readonly client: Client<typeof BridgeService>;
  readonly #manager: Http2SessionManager;

  constructor({
    url,
    clusterToken,
    tls,
  }: {
    url: string;
    clusterToken: string;
    tls: TlsSource | undefined;
  }) {
    this.url = url;
    this.#manager = new Http2SessionManager(
      url,
      { pingIntervalMs: 10_000, pingTimeoutMs: 5_000, pingIdleConnection: true },
      {
        maxSessionMemory: 256,
        settings: { initialWindowSize: 4 * 1024 * 1024 },
        ...(tls && { createConnection: (to: URL) => securely(to, tls) }),
      },
    );
    this.rpc = createConnectTransport({
      baseUrl: url,
      httpVersion: '2',
      sessionManager: this.#manager,
      acceptCompression: [],
      useBinaryFormat: true,
      readMaxBytes: maxMessageBytes,
      writeMaxBytes: maxMessageBytes,
      interceptors: [showToken(clusterToken)],
    });
    this.client = createClient(BridgeService, this.rpc);
  }

  abort(): void {
    this.#manager.abort();
  }

  /** Gives up a connection that is being made, which has no deadline of its own; one that is there has its pings. */
  dropUnmade(): void {
    if (this.#manager.state() === 'connecting') this.#manager.abort();
  }
}

/** With the certificates as they are at that time. */
function securely({ hostname, port }: URL, tls: TlsSource) {
  return connect({
    // Brackets are how a URL writes an IPv6 address, not part of it.
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(port || 443),
    ...tls.current,
    checkServerIdentity: anyNode,
    ALPNProtocols: ['h2'],
  });
}

/** Every call shows that it comes from one of the cluster. */
function showToken(clusterToken: string): Interceptor {
  return (next) => (request) => {
    request.header.set('parley-cluster-token', clusterToken);
    return next(request);
  };
}
