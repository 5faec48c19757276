import type { Server as Http1Server } from 'node:http';
import type { Http2Server } from 'node:http2';
import type { Transport } from '@connectrpc/connect';
import { type Clock, systemClock } from '../services/core/clock.ts';
import type { SessionHost } from '../services/core/door.ts';
import type { Service } from '../services/core/service.ts';
import { ConnectHttp } from './connect-http.ts';
import { Files } from './files.ts';
import { HalfOpen } from './half-open.ts';
import { dispatchByPreface, type HttpServers, http1Server, http2Server } from './http-versions.ts';
import { Listener } from './listener.ts';
import type { Log } from './log.ts';
import { type BridgeCounters, bridgeCounters } from './metrics.ts';
import type { BridgeConfig } from './options.ts';
import { passthroughRoutes } from './passthrough.ts';
import { SocketDoor } from './socket-door.ts';
import { Upgrades } from './upgrades.ts';
import { WebDoor } from './web-door.ts';

export interface BridgeInit {
  readonly config: BridgeConfig;
  readonly log: Log;
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
  readonly #config: BridgeConfig;
  readonly #log: Log;
  readonly #halfOpen: HalfOpen;
  readonly #sockets: SocketDoor;
  readonly #http1: Http1Server;
  readonly #http2: Http2Server;
  readonly #socketHttp: Http1Server;
  readonly #httpListener: Listener;
  readonly #wsListener: Listener;

  constructor(init: BridgeInit) {
    const { config, log, sessions, rpc } = init;
    const { counters } = this;
    this.#config = config;
    this.#log = log;
    this.#halfOpen = new HalfOpen({
      limit: config.maxHalfOpen,
      timeoutMs: config.handshakeTimeoutMs,
      counters,
      clock: init.clock ?? systemClock,
    });
    this.#sockets = new SocketDoor({
      sessions,
      counters,
      highWaterBytes: config.highWaterBytes,
      maxUnsentBytes: config.maxUnsentBytes,
    });
    const upgrades = new Upgrades({ config, counters, door: this.#sockets, halfOpen: this.#halfOpen });
    const web = new WebDoor({
      config,
      counters,
      log,
      halfOpen: this.#halfOpen,
      calls: new ConnectHttp(passthroughRoutes(rpc), config.maxCallBytes),
      files: new Files(config.webDir),
    });
    this.#http1 = http1Server(config, web.handle);
    this.#http2 = http2Server(config, web.handle);
    this.#socketHttp = http1Server(config, web.refusePlainHttp);
    this.#http1.on('upgrade', (request, socket, head) => upgrades.handle(request, socket, head, '/ws'));
    this.#socketHttp.on('upgrade', (request, socket, head) => upgrades.handle(request, socket, head));
    const servers: HttpServers = {
      http1: this.#http1,
      http2: this.#http2,
      onHttp2Stream: (connection) => this.#halfOpen.leave(connection),
    };
    this.#httpListener = new Listener((connection) => {
      if (!this.#halfOpen.enter(connection)) connection.destroy();
      else dispatchByPreface(connection, servers);
    });
    this.#wsListener = new Listener((connection) => {
      if (!this.#halfOpen.enter(connection)) connection.destroy();
      else this.#socketHttp.emit('connection', connection);
    });
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
    const { hosts, httpPort, wsPort } = this.#config;
    await this.#httpListener.listen(hosts, httpPort);
    try {
      await this.#wsListener.listen(hosts, wsPort);
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#log.info({ httpPort: this.httpPort, wsPort: this.wsPort }, 'bridge is open');
  }

  /** The connection node tells the sessions when to go; the bridge only takes no new ones. */
  async drain(): Promise<void> {
    this.#httpListener.refuse();
    this.#wsListener.refuse();
  }

  async stop(): Promise<void> {
    this.#sockets.detach(4503, 'nodeDraining');
    this.#halfOpen.stop();
    // Both servers are never listening themselves; this ends the timers that watch their connections.
    this.#http1.close();
    this.#socketHttp.close();
    await Promise.all([this.#httpListener.stop(), this.#wsListener.stop()]);
  }
}
