import type { Server as Http1Server } from 'node:http';
import type { Http2Server } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Transport } from '@connectrpc/connect';
import type { TlsSource } from '../services/core/certificates.ts';
import { type Clock, systemClock } from '../services/core/clock.ts';
import { checkReach, type Mode } from '../services/core/core-options.ts';
import type { SessionHost } from '../services/core/door.ts';
import { faults } from '../services/core/fault.ts';
import type { Logger } from '../services/core/log.ts';
import type { Readiness } from '../services/core/readiness.ts';
import type { Service } from '../services/core/service.ts';
import { TlsAcceptor } from '../services/core/tls-acceptor.ts';
import type { Tracer } from '../services/core/tracer.ts';
import { ConnectHttp } from './connect-http.ts';
import { Dialects } from './dialects/dialects.ts';
import { Files } from './files.ts';
import { HalfOpen } from './half-open.ts';
import {
  dispatchByPreface,
  dispatchByProtocol,
  http1Server,
  http2Server,
  type HttpServers,
  type ParseRefusal,
} from './http-versions.ts';
import { Listener } from './listener.ts';
import { type BridgeCounters, bridgeCounters } from './metrics.ts';
import type { BridgeConfig } from './options.ts';
import { passthroughRoutes } from './passthrough.ts';
import { RestDoor } from './rest/rest-door.ts';
import { SocketDoor } from './socket-door.ts';
import { Upgrades } from './upgrades.ts';
import { WebDoor } from './web-door.ts';

export interface BridgeInit {
  readonly config: BridgeConfig;
  /** Development mode is for loopback alone, and refuses whatever looks as if it came through a proxy. */
  readonly mode: Mode;
  /** The address to listen on. */
  readonly host: string;
  readonly log: Logger;
  /** Where sessions go: the connection node in this process, or one across the network. */
  readonly sessions: SessionHost;
  /** Where unary calls go. */
  readonly rpc: Transport;
  /** For both ports; undefined: without TLS. */
  readonly tls?: TlsSource | undefined;
  /** What probes on the HTTP port are answered from; undefined: they are not. */
  readonly readiness?: Readiness | undefined;
  readonly clock?: Clock;
  readonly tracer?: Tracer | undefined;
}

/**
 * The browsers' door: page, REST, Connect and WebSocket. It translates and passes on; what frames and calls mean is
 * decided behind `sessions` and `rpc`.
 */
export class Bridge implements Service {
  readonly name = 'bridge';
  readonly counters: BridgeCounters = bridgeCounters();
  readonly #init: BridgeInit;
  readonly #dialects: Dialects;
  readonly #halfOpen: HalfOpen;
  readonly #sockets: SocketDoor;
  readonly #http1: Http1Server;
  readonly #http2: Http2Server;
  readonly #socketHttp: Http1Server;
  readonly #httpListener: Listener;
  readonly #wsListener: Listener;

  /** Throws a ConfigError when development mode would be reachable from elsewhere. */
  constructor(init: BridgeInit) {
    const { config, mode, log, sessions, rpc, clock = systemClock, tracer } = init;
    checkReach(mode, { PARLEY_HOST: init.host });
    this.#init = init;
    const { counters } = this;
    const guard = { mode, allowedOrigins: config.allowedOrigins };
    const { maxHalfOpen, handshakeTimeoutMs, highWaterBytes, maxUnsentBytes, inboundBytes } = config;
    this.#dialects = new Dialects(rpc, clock);
    this.#halfOpen = new HalfOpen({ limit: maxHalfOpen, timeoutMs: handshakeTimeoutMs, counters, clock });
    this.#sockets = new SocketDoor({
      sessions,
      counters,
      highWaterBytes,
      maxUnsentBytes,
      inboundBytes,
      clock,
      tracer,
    });
    const shared = { counters, guard, halfOpen: this.#halfOpen };
    const upgrades = new Upgrades({ ...shared, config, dialects: this.#dialects, door: this.#sockets });
    const web = new WebDoor({
      ...shared,
      trustedProxies: config.trustedProxies,
      requestTimeoutMs: config.requestTimeoutMs,
      calls: new ConnectHttp(passthroughRoutes(rpc), config.maxCallBytes),
      rest: new RestDoor({ rpc, log, maxBodyBytes: config.maxBodyBytes }),
      files: new Files(config.webDir, { admin: config.adminPage }),
      readiness: init.readiness,
    });
    const unparsed = (reason: ParseRefusal): void => {
      counters.refused[reason] += 1;
    };
    this.#http1 = http1Server(config, web.handle, unparsed);
    this.#http2 = http2Server(config, web.handle);
    this.#socketHttp = http1Server(config, web.refusePlainHttp, unparsed);
    this.#http1.on('upgrade', (request, socket, head) => upgrades.handle(request, socket, head, '/ws'));
    this.#socketHttp.on('upgrade', (request, socket, head) => upgrades.handle(request, socket, head));
    const servers: HttpServers = {
      http1: this.#http1,
      http2: this.#http2,
      http2IdleMs: 2 * config.requestTimeoutMs,
      onHttp2Stream: (opened) => this.#halfOpen.leave(opened),
    };
    this.#httpListener = this.#listener({
      inClear: (connection) => dispatchByPreface(connection, servers),
      secured: (connection) => dispatchByProtocol(connection, servers),
      protocols: ['h2', 'http/1.1'],
    });
    const upgrade = (connection: Socket): void => void this.#socketHttp.emit('connection', connection);
    this.#wsListener = this.#listener({ inClear: upgrade, secured: upgrade, protocols: ['http/1.1'] });
  }

  /** The port of page, REST, Connect and `/ws`, once started. */
  get httpPort(): number {
    return this.#httpListener.port;
  }

  /** The port of WebSocket alone, once started. */
  get wsPort(): number {
    return this.#wsListener.port;
  }

  /** Bytes that sockets have not taken yet. */
  get unsentBytes(): number {
    return this.#sockets.unsentBytes;
  }

  async start(): Promise<void> {
    const { config, log } = this.#init;
    try {
      await this.#httpListener.listen(this.#hosts, config.httpPort);
      await this.#wsListener.listen(this.#hosts, config.wsPort);
    } catch (error) {
      await this.stop();
      throw error;
    }
    log.info('the bridge is open', {
      'event.action': 'bridge-open',
      'parley.http': this.httpPort,
      'parley.ws': this.wsPort,
    });
  }

  /** `localhost` may mean either address: clients try one after the other, unless it is the wrong one only. */
  get #hosts(): readonly string[] {
    const { host } = this.#init;
    return host === '127.0.0.1' || host === 'localhost' ? ['127.0.0.1', '::1'] : [host];
  }

  /** Takes nobody in until `reopen`, and ends what is open in a moment. */
  shut(): void {
    this.#httpListener.shut();
    this.#wsListener.shut();
  }

  /** On the same ports. Rejects where one can't be had: then both are shut. */
  async reopen(): Promise<void> {
    try {
      await this.#httpListener.reopen(this.#hosts);
      await this.#wsListener.reopen(this.#hosts);
    } catch (error) {
      this.shut();
      throw error;
    }
  }

  /** The connection node tells the sessions when to go; the bridge only takes no new ones. */
  async drain(): Promise<void> {
    this.#httpListener.refuse();
    this.#wsListener.refuse();
  }

  async stop(): Promise<void> {
    await this.drain();
    await this.#sockets.detach(faults.nodeDraining.closeCode, 'nodeDraining');
    this.#halfOpen.stop();
    this.#dialects.stop();
    // The servers never listened themselves: this ends the timers that watch their connections.
    this.#http1.close();
    this.#socketHttp.close();
    await Promise.all([this.#httpListener.stop(), this.#wsListener.stop()]);
  }

  #listener(door: {
    readonly inClear: (connection: Socket) => void;
    readonly secured: (connection: TLSSocket) => void;
    /** What may be spoken inside TLS. */
    readonly protocols: readonly string[];
  }): Listener {
    const { maxSockets, maxHalfOpen } = this.#init.config;
    const acceptor = this.#acceptor(door);
    return new Listener({
      accept: (connection) => {
        if (!this.#halfOpen.enter(connection)) connection.destroy();
        else if (acceptor === undefined) door.inClear(connection);
        else acceptor.take(connection);
      },
      gone: (connection) => this.#halfOpen.leave(connection),
      limit: maxSockets + maxHalfOpen,
    });
  }

  #acceptor({
    secured,
    protocols,
  }: {
    readonly secured: (connection: TLSSocket) => void;
    readonly protocols: readonly string[];
  }): TlsAcceptor | undefined {
    const { tls, config } = this.#init;
    if (tls === undefined) return undefined;
    return new TlsAcceptor({
      tls,
      protocols,
      handshakeMs: config.handshakeTimeoutMs,
      accepted: (connection, raw) => {
        // The handshake is over, and the time for a request begins.
        this.#halfOpen.leave(raw);
        if (!this.#halfOpen.enter(connection)) return void connection.destroy();
        connection.once('close', () => this.#halfOpen.leave(connection));
        secured(connection);
      },
      refused: () => {
        this.counters.refused.tlsHandshake += 1;
      },
    });
  }
}
