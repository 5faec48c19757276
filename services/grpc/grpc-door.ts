import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { AddressInfo, Socket } from 'node:net';
import type { TlsSource } from '../core/certificates.ts';
import type { Mode } from '../core/core-options.ts';
import type { SessionHost, UnaryHost } from '../core/door.ts';
import { Fault } from '../core/fault.ts';
import type { Logger } from '../core/log.ts';
import type { Counter, Meters } from '../core/meters.ts';
import type { Service } from '../core/service.ts';
import { TlsAcceptor } from '../core/tls-acceptor.ts';
import type { Tracer } from '../core/tracer.ts';
import { SessionService } from './chat-services.ts';
import { maxFrameBytes } from './grpc-options.ts';
import { Health } from './health.ts';
import { type Arrival, gateInterceptor } from './interceptor.ts';
import { Listener } from './listener.ts';
import { isLocal } from './local-only.ts';
import { addReflection } from './reflection.ts';
import { bytesDefinition } from './service-definition.ts';
import { SessionDoor } from './session-door.ts';
import { type BytesStream, type SessionStreamLimits, sessionStreamLimits } from './session-stream.ts';
import { UnaryRoutes } from './unary-routes.ts';

export interface GrpcDoorConfig {
  readonly mode: Mode;
  readonly host: string;
  readonly port: number;
  /** Proxies in front that say for whom they call. */
  readonly trustedProxies: number;
  readonly maxConnections: number;
  readonly maxStreams: number;
  readonly handshakeMs: number;
}

interface Parts {
  readonly config: GrpcDoorConfig;
  /** Undefined: without TLS. With authorities among it, clients must show a certificate. */
  readonly tls?: TlsSource | undefined;
  readonly log: Logger;
  readonly meters: Meters;
  readonly sessions: SessionHost;
  readonly unary: UnaryHost;
  readonly limits?: SessionStreamLimits;
  readonly tracer?: Tracer | undefined;
}

/** How grpc-js is set up, where its defaults are unbounded or too patient. */
const serverLimits = {
  'grpc.max_receive_message_length': maxFrameBytes,
  'grpc.max_send_message_length': -1,
  // A peer that is gone without a word is noticed within 40 s.
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.max_connection_idle_ms': 300_000,
  // In megabytes, for each connection.
  'grpc-node.max_session_memory': 32,
  'grpc.enable_channelz': 0,
};

/** How long `stop` waits for sessions to hear why they end. */
const farewellMs = 300;

/**
 * The native door: sessions and unary calls by gRPC, with health and reflection.
 *
 * Draining: accepts no connections and no new calls, and asks clients to move (GOAWAY); sessions go on until the connection
 * node closes them, or `stop` does. `stop` waits for unary calls to be answered, as long as draining may take.
 */
export class GrpcDoor implements Service {
  readonly name = 'grpc';
  readonly #config: GrpcDoorConfig;
  readonly #log: Logger;
  readonly #refusals: Counter;
  readonly #server: Server;
  readonly #health = new Health();
  readonly #sessions: SessionDoor;
  readonly #unary: UnaryRoutes;
  readonly #listener: Listener;
  readonly #injector: ReturnType<Server['createConnectionInjector']>;
  readonly #secured: boolean;
  #draining = false;
  /** Calls that were under way when it began to drain are answered, or their time is over. */
  #settled: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor({ config, tls, log, meters, sessions, unary, limits = sessionStreamLimits, tracer }: Parts) {
    this.#config = config;
    this.#log = log;
    this.#refusals = meters.counter(
      'chat_grpc_refusals_total',
      'What was refused at the gRPC door.',
      'reason',
    );
    meters.gauge('chat_grpc_connections', 'Open gRPC connections.', () => this.#listener.connections);
    this.#secured = tls !== undefined;
    const inClear = (socket: Socket): void => this.#injector.injectConnection(socket);
    const acceptor = tls && this.#acceptor(tls, inClear);
    this.#listener = new Listener(config, {
      connection: acceptor === undefined ? inClear : (socket) => acceptor.take(socket),
      refused: (reason) => this.#refusals.add(1, reason),
    });
    const { trustedProxies } = config;
    this.#sessions = new SessionDoor({ host: sessions, log, meters, limits, trustedProxies, tracer });
    this.#unary = new UnaryRoutes({ host: unary, log, trustedProxies });
    this.#server = new Server({
      ...serverLimits,
      'grpc.max_concurrent_streams': config.maxStreams,
      interceptors: [
        gateInterceptor({
          admit: (arrival) => this.#admit(arrival),
          refused: (reason) => this.#refusals.add(1, reason),
        }),
      ],
    });
    this.#server.addService(bytesDefinition(SessionService), {
      connect: (call: BytesStream) => this.#sessions.accept(call),
    });
    this.#unary.addTo(this.#server);
    this.#health.addTo(this.#server);
    addReflection(this.#server);
    // What comes out of TLS is injected in clear.
    this.#injector = this.#server.createConnectionInjector(ServerCredentials.createInsecure());
  }

  #acceptor(tls: TlsSource, accepted: (socket: Socket) => void): TlsAcceptor {
    return new TlsAcceptor({
      tls,
      protocols: ['h2'],
      handshakeMs: this.#config.handshakeMs,
      accepted,
      // Anybody may knock: this is no line in the log.
      refused: () => this.#refusals.add(1, 'tlsHandshake'),
    });
  }

  #admit({ peer, authority, metadata }: Arrival): Fault | undefined {
    this.#listener.began(peer);
    if (this.#draining) return new Fault('nodeDraining');
    if (this.#config.mode === 'development' && !isLocal(authority, metadata)) {
      return new Fault('developmentOnly', {
        message: 'in development mode the server serves its own machine alone, and no proxy',
      });
    }
    return undefined;
  }

  /** Where it listens; the port is known once it has started. */
  get address(): AddressInfo {
    return this.#listener.address;
  }

  async start(): Promise<void> {
    await this.#listener.listen();
    this.#health.set('SERVING');
    const { address, port } = this.address;
    this.#log.info('gRPC is served', {
      'server.address': address,
      'server.port': port,
      'parley.tls': this.#secured,
    });
  }

  /** Takes nobody in until `reopen`, and ends what is open in a moment. */
  shut(): void {
    this.#health.set('NOT_SERVING');
    this.#listener.shut();
  }

  /** On the same port. Rejects where it can't be had. */
  async reopen(): Promise<void> {
    await this.#listener.listen();
    this.#health.set('SERVING');
  }

  async drain(deadlineMs: number): Promise<void> {
    this.#draining = true;
    this.#health.set('NOT_SERVING');
    this.#listener.refuse();
    // Streams may outlast the deadline by whatever others need to drain; `stop` ends them.
    this.#injector.drain(deadlineMs + 60_000);
    // Waited for in the end: until then sessions are told, whichever call hangs.
    this.#settled = this.#unary.settled(deadlineMs);
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#draining = true;
    await this.#settled;
    this.#sessions.endAll();
    // Connections without calls close by themselves now: what has been written before is sent first.
    this.#injector.drain(farewellMs);
    await this.#listener.emptied(farewellMs);
    this.#server.forceShutdown();
    await this.#listener.close();
    this.#sessions.detach();
  }
}
