import { randomUUID } from 'node:crypto';
import { Code, ConnectError, type Transport } from '@connectrpc/connect';
import type { ConnectionFrame } from '../gen/parley/node/v1/bridge_pb.ts';
import { type BackoffConfig, backoffMs } from '../services/core/backoff.ts';
import type { DoorInlet, DoorOutlet, SessionHost } from '../services/core/door.ts';
import { faults } from '../services/core/fault.ts';
import type { Logger } from '../services/core/log.ts';
import type { Service } from '../services/core/service.ts';
import { traceOf } from '../services/core/trace-context.ts';
import type { UpstreamConfig } from './upstream-options.ts';
import { UpstreamRoute } from './upstream-route.ts';
import { UpstreamStream } from './upstream-stream.ts';

const retryWaits: BackoffConfig = { firstMs: 200, maxMs: 5_000 };
/** A stream that ends sooner counts as one that never came to be: a node that fails on it is not asked again at once. */
const shortLivedMs = 1_000;
/** A node that says nothing for this long when a bridge attaches is not there. */
const usualHelloMs = 3_000;

export interface UpstreamInit {
  readonly config: UpstreamConfig;
  readonly log: Logger;
  readonly random?: () => number;
  readonly waits?: BackoffConfig;
  readonly helloMs?: number;
}

/**
 * A connection node across the network, one of several: sessions travel on one Connect stream, unary calls beside it. It
 * connects again by itself, to the next node where one is out of reach; when the stream dies its sockets are closed with
 * a code that says: reconnect. From a node that drains it goes to the next one with the sessions that are opened from
 * then on, and leaves the others on their stream until they or the node are gone.
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
  /** Where new sessions go. */
  #stream: UpstreamStream | undefined;
  /** To nodes that drain, and what still reads them. */
  readonly #leaving = new Map<UpstreamStream, Promise<void>>();
  #running: Promise<void> | undefined;
  #waiting: (() => void)[] = [];

  constructor(init: UpstreamInit) {
    const { urls, clusterToken, tls } = init.config;
    this.#init = init;
    this.#routes = urls.map((url) => new UpstreamRoute({ url, clusterToken, tls }));
  }

  /** Whether sessions can be opened. */
  get isAttached(): boolean {
    return this.#stream !== undefined && !this.#leaving.has(this.#stream);
  }

  /** Resolves when sessions can be opened; at once while they can. */
  async attached(): Promise<void> {
    while (!this.isAttached) await new Promise<void>((resolve) => this.#waiting.push(resolve));
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
      data: (session, frame, trace) => {
        if (this.#streamOf(session)?.data(session, frame, trace) !== 'full') return;
        outlet.close(session, faults.overloaded.closeCode, 'overloaded');
      },
      closed: (session) => {
        const stream = this.#streamOf(session);
        stream?.closed(session);
        this.#endIdle(stream);
      },
      paused: (session) => this.#streamOf(session)?.paused(session),
      resumed: (session) => this.#streamOf(session)?.resumed(session),
      detach: () => {
        this.#outlet = undefined;
        this.#endStreams();
      },
    };
  }

  /** Begins to connect; does not wait for it. */
  async start(): Promise<void> {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#endStreams();
    for (const route of this.#routes) route.abort();
    await this.#running;
    await Promise.all(this.#leaving.values());
  }

  async #run(): Promise<void> {
    const { log, random = Math.random, waits = retryWaits } = this.#init;
    for (let failures = 0; !this.#stopping.signal.aborted; ) {
      const { url } = this.#route;
      let outcome: 'lasted' | 'failed';
      try {
        outcome = await this.#attachOnce();
      } catch (error) {
        if (this.#stopping.signal.aborted) return;
        const fields = { 'event.action': 'upstream-lost', 'parley.peer.address': url };
        log.warn('the connection node is out of reach', fields, error);
        outcome = 'failed';
      }
      failures = outcome === 'lasted' ? 0 : failures + 1;
      this.#at += 1;
      // All of them are tried at once before it waits.
      if (failures > 0 && failures % this.#routes.length === 0)
        await this.#pause(backoffMs(failures / this.#routes.length - 1, waits, random));
    }
  }

  get #route(): UpstreamRoute {
    return this.#routes[this.#at % this.#routes.length] as UpstreamRoute;
  }

  #streamOf(session: number): UpstreamStream | undefined {
    if (this.#stream?.has(session)) return this.#stream;
    for (const stream of this.#leaving.keys()) if (stream.has(session)) return stream;
    return undefined;
  }

  #endStreams(): void {
    this.#stream?.end();
    for (const stream of this.#leaving.keys()) stream.end();
  }

  /** Carries sessions until the stream ends or its node drains. Rejects where it never came to be. */
  async #attachOnce(): Promise<'lasted' | 'failed'> {
    const { config } = this.#init;
    const route = this.#route;
    const stream = new UpstreamStream(this.#bridgeId, config.clusterToken);
    const drains = Promise.withResolvers<'lasted'>();
    const startedAtMs = performance.now();
    const carrying = this.#carry(stream, route, () => {
      this.#leaving.set(stream, ended);
      this.#endIdle(stream);
      drains.resolve('lasted');
    });
    const ended = carrying.then(
      () => void this.#leaving.delete(stream),
      () => void this.#leaving.delete(stream),
    );
    const lived = carrying.then(() => (performance.now() - startedAtMs < shortLivedMs ? 'failed' : 'lasted'));
    return Promise.race([lived, drains.promise]);
  }

  /** Reads the stream to its end. Rejects where it never came to be, or this bridge stops. */
  async #carry(stream: UpstreamStream, route: UpstreamRoute, drains: () => void): Promise<void> {
    const { signal } = this.#stopping;
    const attempt = new AbortController();
    const stop = (): void => attempt.abort(signal.reason);
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
    const timer = setTimeout(() => {
      attempt.abort(new ConnectError('no answer in time', Code.DeadlineExceeded));
      route.dropUnmade();
    }, this.#init.helloMs ?? usualHelloMs);
    let attached = false;
    try {
      for await (const { frames } of route.client.attach(stream.requests(), { signal: attempt.signal })) {
        for (const frame of frames) {
          if (frame.frame.case === 'hello') {
            clearTimeout(timer);
            attached = true;
            this.#begin(stream, route);
          } else if (frame.frame.case === 'draining') {
            drains();
          } else {
            this.#take(frame, stream);
          }
        }
      }
    } catch (error) {
      if (!attached || signal.aborted) throw error;
      const fields = { 'event.action': 'upstream-lost', 'parley.peer.address': route.url };
      this.#init.log.warn('the stream to the connection node broke', fields, error);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      this.#lose(stream);
    }
  }

  #take({ frame, trace }: ConnectionFrame, stream: UpstreamStream): void {
    if (frame.case === 'deliver') {
      this.#outlet?.deliver(frame.value.sessions, frame.value.data, traceOf(trace));
    } else if (frame.case === 'close') {
      const { session, code, reason } = frame.value;
      stream.forget(session);
      this.#endIdle(stream);
      this.#outlet?.close(session, code, reason);
    }
  }

  /** A node that is left, and has nobody left, need not keep the stream. */
  #endIdle(stream: UpstreamStream | undefined): void {
    if (stream !== undefined && this.#leaving.has(stream) && stream.isIdle) stream.end();
  }

  #begin(stream: UpstreamStream, { url }: UpstreamRoute): void {
    this.#stream = stream;
    this.#init.log.info('attached to the connection node', {
      'event.action': 'upstream-attached',
      'parley.peer.address': url,
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
