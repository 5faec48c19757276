import type { Server as Http1Server } from 'node:http';
import type { Http2Server } from 'node:http2';
import type { Socket } from 'node:net';
import type { Transport } from '@connectrpc/connect';
import { type Clock, systemClock } from '../services/core/clock.ts';
import { checkReach, type Mode } from '../services/core/core-options.ts';
import type { SessionHost } from '../services/core/door.ts';
import { faults } from '../services/core/fault.ts';
import type { Logger } from '../services/core/log.ts';
import type { Service } from '../services/core/service.ts';
import { ConnectHttp } from './connect-http.ts';
import { Dialects } from './dialects/dialects.ts';
import { Files } from './files.ts';
import { HalfOpen } from './half-open.ts';
import { dispatchByPreface, http1Server, http2Server, type ParseRefusal } from './http-versions.ts';
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
  readonly clock?: Clock;
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
    const { config, mode, log, sessions, rpc, clock = systemClock } = init;
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
    });
    const shared = { counters, guard, halfOpen: this.#halfOpen };
    const upgrades = new Upgrades({ ...shared, config, dialects: this.#dialects, door: this.#sockets });
    const web = new WebDoor({
      ...shared,
      trustedProxies: config.trustedProxies,
      requestTimeoutMs: config.requestTimeoutMs,
      calls: new ConnectHttp(passthroughRoutes(rpc), config.maxCallBytes),
      rest: new RestDoor({ rpc, log, maxBodyBytes: config.maxBodyBytes }),
      files: new Files(config.webDir),
    });
    const unparsed = (reason: ParseRefusal): void => {
      counters.refused[reason] += 1;
    };
    this.#http1 = http1Server(config, web.handle, unparsed);
    this.#http2 = http2Server(config, web.handle);
    this.#socketHttp = http1Server(config, web.refusePlainHttp, unparsed);
    this.#http1.on('upgrade', (request, socket, head) => upgrades.handle(request, socket, head, '/ws'));
    this.#socketHttp.on('upgrade', (request, socket, head) => upgrades.handle(request, socket, head));
    this.#httpListener = this.#listener((connection) => {
      dispatchByPreface(connection, {
        http1: this.#http1,
        http2: this.#http2,
        onHttp2Stream: (opened) => this.#halfOpen.leave(opened),
      });
    });
    this.#wsListener = this.#listener((connection) => this.#socketHttp.emit('connection', connection));
  }

  /** The port of page, REST, Connect and `/ws`, once started. */
  get httpPort(): number {
    return this.#httpListener.port;
  }

  /** The port of WebSocket alone, once started. */
  get wsPort(): number {
    return this.#wsListener.port;
  }

  async start(): Promise<void> {
    const { config, host, log } = this.#init;
    // `localhost` may mean either address: clients try one after the other, unless it is the wrong one only.
    const hosts = host === '127.0.0.1' || host === 'localhost' ? ['127.0.0.1', '::1'] : [host];
    try {
      await this.#httpListener.listen(hosts, config.httpPort);
      await this.#wsListener.listen(hosts, config.wsPort);
    } catch (error) {
      await this.stop();
      throw error;
    }
    log.info('the bridge is open', {
      'event.action': 'bridge-open',
      'parley.http.port': this.httpPort,
      'parley.ws.port': this.wsPort,
    });
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

  #listener(accept: (connection: Socket) => void): Listener {
    const { maxSockets, maxHalfOpen } = this.#init.config;
    return new Listener({
      accept: (connection) => {
        if (this.#halfOpen.enter(connection)) accept(connection);
        else connection.destroy();
      },
      gone: (connection) => this.#halfOpen.leave(connection),
      limit: maxSockets + maxHalfOpen,
    });
  }
}
