import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** A webhook as it came. */
export interface Received {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly id: string;
  /** The body's `data`. */
  readonly data: Readonly<Record<string, unknown>>;
  readonly type: string;
}

export type Behaviour = (
  received: Received,
  response: ServerResponse,
  request: IncomingMessage,
) => void | Promise<void>;

/** Answers 204. */
export function accepting(_: Received, response: ServerResponse, _request?: IncomingMessage): void {
  response.writeHead(204).end();
}

/** How long something that must happen may take before the test is told that it didn't. */
const patienceMs = 20_000;

/** A receiver of webhooks, as good or bad as a test wants it. */
export class Receiver implements AsyncDisposable {
  readonly received: Received[] = [];
  behave: Behaviour;
  #server: Server;
  #port = 0;
  readonly #tls: { readonly key: string; readonly cert: string } | undefined;
  readonly #waiters = new Set<{ readonly holds: () => boolean; readonly resolve: () => void }>();

  private constructor(behave: Behaviour, tls?: { readonly key: string; readonly cert: string }) {
    this.behave = behave;
    this.#tls = tls;
    this.#server = this.#make();
  }

  static async open(
    behave: Behaviour = accepting,
    tls?: { readonly key: string; readonly cert: string },
  ): Promise<Receiver> {
    const receiver = new Receiver(behave, tls);
    await receiver.#listen(0);
    return receiver;
  }

  url(path = '/hook', host = '127.0.0.1'): string {
    return `${this.#tls === undefined ? 'http' : 'https'}://${host}:${this.#port}${path}`;
  }

  /** Ids of what came, in order. */
  get ids(): string[] {
    return this.received.map(({ id }) => id);
  }

  /** Goes away, and with it all connections. */
  async down(): Promise<void> {
    this.#server.closeAllConnections();
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  /** Is back at the same address. */
  async up(): Promise<void> {
    this.#server = this.#make();
    await this.#listen(this.#port);
  }

  /** Resolves once this holds, looked at after everything that comes. */
  async until(holds: () => boolean): Promise<void> {
    if (holds()) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter = { holds, resolve };
    this.#waiters.add(waiter);
    const timer = setTimeout(() => {
      const came = this.received.map(({ type, data }) => `${type}:${String(data['seq'])}`).slice(-20);
      reject(new Error(`it did not happen; ${this.received.length} came, the last: ${came.join(' ')}`));
    }, patienceMs);
    await promise.finally(() => {
      clearTimeout(timer);
      this.#waiters.delete(waiter);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.listening) await this.down();
  }

  #make(): Server {
    const serve = (request: IncomingMessage, response: ServerResponse): void =>
      void this.#take(request, response);
    return this.#tls === undefined ? createServer(serve) : createTlsServer(this.#tls, serve);
  }

  async #listen(port: number): Promise<void> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return;
    }
    const body = Buffer.concat(chunks).toString();
    const { type, data } = JSON.parse(body) as Pick<Received, 'type' | 'data'>;
    const headers = request.headers as Record<string, string>;
    const id = headers['webhook-id'] ?? '';
    const received = { path: request.url ?? '', headers, body, id, type, data };
    this.received.push(received);
    void this.behave(received, response, request);
    for (const waiter of this.#waiters) if (waiter.holds()) waiter.resolve();
  }
}
