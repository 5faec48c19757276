import { mkdtemp, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ClientOptions, WebSocket } from 'ws';
import { ConnectServer, type ConnectServerInit } from '../../services/connect/connect-server.ts';
import { createUnaryTransport } from '../../services/connect/unary-transport.ts';
import { loadConfig } from '../../services/core/config.ts';
import { silentLogger } from '../../services/core/log.ts';
import { Bridge, type BridgeInit } from '../bridge.ts';
import { type BridgeConfig, bridgeOptions } from '../options.ts';
import { Upstream } from '../upstream.ts';
import { FakeHost } from './fake-host.ts';

export const defaultConfig: BridgeConfig = loadConfig({ bridge: bridgeOptions }, {}).bridge;

export interface FixtureInit extends Partial<Omit<BridgeInit, 'config'>> {
  readonly config?: Partial<BridgeConfig>;
}

/** How a bridge reaches its host: in the same process, or over Connect. */
export type Via = 'direct' | 'upstream';

interface Backend extends Pick<BridgeInit, 'sessions' | 'rpc'> {
  stop(): Promise<void>;
}

/** A bridge on free ports in front of a fake host, with a page directory of its own. */
export class BridgeFixture implements AsyncDisposable {
  readonly bridge: Bridge;
  readonly host: FakeHost;
  readonly webDir: string;
  readonly #backend: Backend;

  private constructor(bridge: Bridge, host: FakeHost, webDir: string, backend: Backend) {
    this.bridge = bridge;
    this.host = host;
    this.webDir = webDir;
    this.#backend = backend;
  }

  static async start(init: FixtureInit = {}, via: Via = 'direct'): Promise<BridgeFixture> {
    const host = new FakeHost();
    const backend = via === 'direct' ? directBackend(host) : await upstreamBackend(host);
    const webDir = await mkdtemp(join(tmpdir(), 'parley-web-'));
    const bridge = new Bridge({
      mode: 'development',
      host: '127.0.0.1',
      log: silentLogger,
      sessions: backend.sessions,
      rpc: backend.rpc,
      ...init,
      config: { ...defaultConfig, httpPort: 0, wsPort: 0, webDir, ...init.config },
    });
    await bridge.start();
    return new BridgeFixture(bridge, host, webDir, backend);
  }

  get url(): string {
    return `http://127.0.0.1:${this.bridge.httpPort}`;
  }

  /** Opens a socket on the WebSocket port; resolves once it is open. */
  async connect(
    query = '',
    protocols: string | string[] = [],
    options: ClientOptions = {},
  ): Promise<TestSocket> {
    const socket = new TestSocket(`ws://127.0.0.1:${this.bridge.wsPort}/${query}`, protocols, options);
    await once(socket, 'open');
    return socket;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bridge.stop();
    await this.#backend.stop();
    await rm(this.webDir, { recursive: true, force: true });
  }
}

/** Registers a test twice: with the host in the same process, and behind Connect. */
export function doorTest(
  name: string,
  run: (start: (init?: FixtureInit) => Promise<BridgeFixture>) => Promise<void>,
): void {
  for (const via of ['direct', 'upstream'] as const)
    test(`${via}: ${name}`, () => run((init) => BridgeFixture.start(init, via)));
}

function directBackend(host: FakeHost): Backend {
  return { sessions: host, rpc: createUnaryTransport(host), stop: async () => {} };
}

export const clusterToken = 'c'.repeat(32);

export function nodeServer(host: FakeHost, port = 0, init: Partial<ConnectServerInit> = {}): ConnectServer {
  return new ConnectServer({
    config: { host: '127.0.0.1', port, clusterToken },
    mode: 'production',
    nodeId: 'node-1',
    log: silentLogger,
    sessions: host,
    unary: host,
    ...init,
  });
}

async function upstreamBackend(host: FakeHost): Promise<Backend> {
  const server = nodeServer(host);
  await server.start();
  const upstream = new Upstream({
    config: { urls: [`http://127.0.0.1:${server.port}`], clusterToken },
    log: silentLogger,
  });
  await upstream.start();
  await upstream.attached();
  const stop = async (): Promise<void> => {
    await upstream.stop();
    await server.stop();
  };
  return { sessions: upstream, rpc: upstream.rpc, stop };
}

/** A client that keeps what it receives until it is asked for. */
export class TestSocket extends WebSocket {
  readonly #received: (string | Buffer)[] = [];
  readonly #closed: Promise<{ readonly code: number; readonly reason: string }>;
  #wake: (() => void)[] = [];

  constructor(url: string, protocols: string | string[], options: ClientOptions) {
    super(url, protocols, { perMessageDeflate: false, ...options });
    this.on('message', (data: Buffer, isBinary: boolean) => {
      this.#received.push(isBinary ? data : data.toString('utf8'));
      for (const wake of this.#wake.splice(0)) wake();
    });
    this.on('error', () => {});
    this.#closed = new Promise((resolve) => {
      this.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
  }

  /** The next message, waited for. Rejects when the socket closes without one. */
  async next(): Promise<string | Buffer> {
    while (this.#received.length === 0) {
      const more = new Promise<true>((resolve) => this.#wake.push(() => resolve(true)));
      const closed = this.#closed.then(() => false);
      if (!(await Promise.race([more, closed])) && this.#received.length === 0)
        throw new Error('the socket closed without another message');
    }
    return this.#received.shift() as string | Buffer;
  }

  /** The next message, parsed. */
  async nextJson(): Promise<Record<string, unknown>> {
    return JSON.parse((await this.next()).toString()) as Record<string, unknown>;
  }

  /** How it was closed. */
  get closed(): Promise<{ readonly code: number; readonly reason: string }> {
    return this.#closed;
  }
}
