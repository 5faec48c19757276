import { randomUUID } from 'node:crypto';
import type { Transport } from '@connectrpc/connect';
import type { ConnectionFrame } from '../gen/parley/node/v1/bridge_pb.ts';
import { type BackoffConfig, backoffMs } from '../services/core/backoff.ts';
import type { DoorInlet, DoorOutlet, SessionHost } from '../services/core/door.ts';
import { faults } from '../services/core/fault.ts';
import type { Logger } from '../services/core/log.ts';
import type { Service } from '../services/core/service.ts';
import type { UpstreamConfig } from './upstream-options.ts';
import { UpstreamRoute } from './upstream-route.ts';
import { UpstreamStream } from './upstream-stream.ts';

const retryWaits: BackoffConfig = { firstMs: 200, maxMs: 5_000 };

export interface UpstreamInit {
  readonly config: UpstreamConfig;
  readonly log: Logger;
  readonly random?: () => number;
  readonly waits?: BackoffConfig;
}

/**
 * A connection node across the network, one of several: sessions travel on one Connect stream, unary calls beside it. It
 * connects again by itself, to the next node where one is out of reach; when the stream dies its sockets are closed with
 * a code that says: reconnect.
 */
export class Upstream implements Service, SessionHost {
  readonly name = 'upstream';
  /** Unary calls to the node that sessions are attached to, or that is tried now. */
  readonly rpc: Transport = {
    unary: (...call) => this.#route.rpc.unary(...call),
    stream: (...call) => this.#route.rpc.stream(...call),
  };
  readonly #init: UpstreamInit;
  readonly #routes: readonly UpstreamRoute[];
  #at = 0;
  /** Names this bridge in the node's logs. */
  readonly #bridgeId = `bridge-${randomUUID().slice(0, 8)}`;
  readonly #stopping = new AbortController();
  #outlet: DoorOutlet | undefined;
  #stream: UpstreamStream | undefined;
  #running: Promise<void> | undefined;
  #waiting: (() => void)[] = [];

  constructor(init: UpstreamInit) {
    const { urls, clusterToken, tls } = init.config;
    this.#init = init;
    this.#routes = urls.map((url) => new UpstreamRoute({ url, clusterToken, tls }));
  }

  /** Resolves when sessions can be opened; at once while they can. */
  async attached(): Promise<void> {
    while (this.#stream === undefined) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** For one door. */
  attach(outlet: DoorOutlet): DoorInlet {
    this.#outlet = outlet;
    const { closeCode } = faults.upstreamUnavailable;
    return {
      open: (session, info) => {
        if (this.#stream === undefined) outlet.close(session, closeCode, 'upstreamUnavailable');
        else this.#stream.open(session, info);
      },
      data: (session, frame) => {
        if (this.#stream?.data(session, frame) !== 'full') return;
        outlet.close(session, faults.overloaded.closeCode, 'overloaded');
      },
      closed: (session) => this.#stream?.closed(session),
      paused: (session) => this.#stream?.paused(session),
      resumed: (session) => this.#stream?.resumed(session),
      detach: () => {
        this.#outlet = undefined;
        this.#stream?.end();
      },
    };
  }

  /** Begins to connect; does not wait for it. */
  async start(): Promise<void> {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#stream?.end();
    for (const route of this.#routes) route.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { log, random = Math.random, waits = retryWaits } = this.#init;
    for (let attempt = 0; !this.#stopping.signal.aborted; attempt += 1) {
      try {
        if (await this.#attachOnce()) attempt = 0;
      } catch (error) {
        if (this.#stopping.signal.aborted) return;
        const fields = { 'event.action': 'upstream-lost', 'parley.link.address': this.#route.url };
        log.warn('the connection node is out of reach', fields, error);
      }
      this.#at += 1;
      // All of them are tried at once before it waits.
      if (this.#at % this.#routes.length === 0) await this.#pause(backoffMs(attempt, waits, random));
    }
  }

  get #route(): UpstreamRoute {
    return this.#routes[this.#at % this.#routes.length] as UpstreamRoute;
  }

  /** Carries sessions until the stream ends. True when it ever came to be. */
  async #attachOnce(): Promise<boolean> {
    const { config, log } = this.#init;
    const stream = new UpstreamStream(this.#bridgeId, config.clusterToken);
    let attached = false;
    try {
      for await (const { frames } of this.#route.client.attach(stream.requests(), {
        signal: this.#stopping.signal,
      })) {
        for (const frame of frames) {
          if (frame.frame.case === 'hello') {
            attached = true;
            this.#begin(stream);
          } else {
            this.#take(frame, stream);
          }
        }
      }
    } catch (error) {
      if (!attached || this.#stopping.signal.aborted) throw error;
      log.warn('the stream to the connection node broke', { 'event.action': 'upstream-lost' }, error);
    } finally {
      this.#lose(stream);
    }
    return attached;
  }

  #take({ frame }: ConnectionFrame, stream: UpstreamStream): void {
    if (frame.case === 'deliver') {
      this.#outlet?.deliver(frame.value.sessions, frame.value.data);
    } else if (frame.case === 'close') {
      const { session, code, reason } = frame.value;
      stream.forget(session);
      this.#outlet?.close(session, code, reason);
    }
  }

  #begin(stream: UpstreamStream): void {
    this.#stream = stream;
    this.#init.log.info('attached to the connection node', {
      'event.action': 'upstream-attached',
      'parley.link.address': this.#route.url,
    });
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #lose(stream: UpstreamStream): void {
    stream.end();
    if (this.#stream === stream) this.#stream = undefined;
    const { closeCode } = faults.upstreamUnavailable;
    for (const session of stream.sessions) this.#outlet?.close(session, closeCode, 'upstreamUnavailable');
  }

  #pause(ms: number): Promise<void> {
    const { signal } = this.#stopping;
    return new Promise((resolve) => {
      if (signal.aborted) {
        resolve();
        return;
      }
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener('abort', done);
    });
  }
}
