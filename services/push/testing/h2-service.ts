import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import {
  constants,
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
  type Settings,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';

const file = (name: string) => readFile(new URL(`../../grpc/testdata/${name}`, import.meta.url), 'utf8');

/** The authority that vouches for the services here, as PEM. */
export function testAuthority(): Promise<string> {
  return file('ca.pem');
}

/** A request as it came. */
export interface ServiceRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
  /** Which connection it came on; the first is 1. */
  readonly connection: number;
}

/** What a service answers: or what it does instead. */
export type Reply =
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    }
  /** Says nothing, ever. */
  | 'hang'
  /** Ends the stream with an error. */
  | 'reset'
  /** Says that it has not looked at it. */
  | 'refuse'
  /** Ends all connections. */
  | 'cut'
  /** A status of 200, and a body that never ends. */
  | 'endless';

/** A reply that takes the place of the service's own; undefined leaves it to the service. */
export type Behaviour = (
  request: ServiceRequest,
  nth: number,
) => Reply | undefined | Promise<Reply | undefined>;

/** Where a service is to be, and the certificate that it has there. */
export interface ServicePlace {
  readonly host: string;
  readonly port: number;
  /** PEM. */
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
}

/** A service over HTTP/2 with TLS, on loopback unless told otherwise, as good or bad as a test wants it. */
export abstract class H2Service implements AsyncDisposable {
  readonly requests: ServiceRequest[] = [];
  behave: Behaviour | undefined;
  /** How far its clock is ahead of this machine's. */
  aheadSeconds = 0;
  /** Connections that were ever made. */
  connections = 0;
  /** Requests under way at once, at most so far. */
  mostAtOnce = 0;
  #atOnce = 0;
  #server: Http2SecureServer | undefined;
  #host = '127.0.0.1';
  #port = 0;
  #pem: Pick<ServicePlace, 'cert' | 'key'> | undefined;
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #waiters = new Set<{ readonly holds: () => boolean; readonly resolve: () => void }>();

  get origin(): string {
    return `https://${this.#host}:${this.#port}`;
  }

  /** Before it listens: where it will. */
  at({ host, port, cert, key }: ServicePlace): this {
    this.#host = host;
    this.#port = port;
    this.#pem = { cert, key };
    return this;
  }

  /** Connections that are open. */
  get open(): number {
    return this.#sockets.size;
  }

  async listen(settings: Settings = {}): Promise<this> {
    const server = createSecureServer({
      ...(this.#pem ?? { key: await file('server.key'), cert: await file('server.pem') }),
      allowHTTP1: true,
      settings,
    });
    this.#server = server;
    const numbers = new WeakMap<object, number>();
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {}).once('close', () => this.#sockets.delete(socket));
    });
    server.on('session', (session) => {
      this.connections += 1;
      numbers.set(session, this.connections);
      this.#sessions.add(session);
      session.on('error', () => {}).once('close', () => this.#sessions.delete(session));
    });
    server.on('sessionError', () => {});
    server.on('request', (request, response) => {
      const session = (request as Partial<Http2ServerRequest>).stream?.session;
      void this.#take(request, response, session === undefined ? 0 : (numbers.get(session) ?? 0));
    });
    server.listen(this.#port, this.#host);
    await once(server, 'listening');
    this.#port = (server.address() as AddressInfo).port;
    return this;
  }

  /** Says goodbye on all connections; above `lastStreamId` nothing was looked at. */
  goodbye(code: number = constants.NGHTTP2_NO_ERROR, lastStreamId?: number): void {
    for (const session of this.#sessions) session.goaway(code, lastStreamId);
  }

  /** Allows so many streams at once from now on. */
  allow(maxConcurrentStreams: number): void {
    for (const session of this.#sessions) session.settings({ maxConcurrentStreams });
  }

  /** How many pings have come since this was called, on connections made after it. */
  countPings(): () => number {
    let pings = 0;
    this.#server?.on('session', (session) => session.on('ping', () => (pings += 1)));
    return () => pings;
  }

  /** Ends all connections without a word. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Goes away, and with it all connections; `listen` brings it back at the same address. */
  async down(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = once(server, 'close');
    server.close();
    this.cut();
    await closed;
  }

  /** Resolves once this holds, looked at when a request comes and when it is answered. */
  async until(holds: () => boolean): Promise<void> {
    if (holds()) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter = { holds, resolve };
    this.#waiters.add(waiter);
    const timer = setTimeout(() => reject(new Error(`not after ${this.requests.length} requests`)), 20_000);
    await promise.finally(() => {
      clearTimeout(timer);
      this.#waiters.delete(waiter);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down();
  }

  /** Seconds since 1970, by its clock. */
  protected get nowSeconds(): number {
    return Date.now() / 1_000 + this.aheadSeconds;
  }

  /** What the service answers when it behaves. */
  protected abstract answer(request: ServiceRequest): Reply;

  #look(): void {
    for (const waiter of this.#waiters) if (waiter.holds()) waiter.resolve();
  }

  async #take(request: Http2ServerRequest, response: Http2ServerResponse, connection: number): Promise<void> {
    this.#atOnce += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#atOnce);
    response.once('close', () => {
      this.#atOnce -= 1;
    });
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return;
    }
    const headers = request.headers as Readonly<Record<string, string | undefined>>;
    const taken = { path: request.url, headers, body: Buffer.concat(chunks), connection };
    this.requests.push(taken);
    const behaviour = this.behave?.(taken, this.requests.length);
    this.#look();
    const what = (await behaviour) ?? this.answer(taken);
    this.#look();
    if (what === 'cut') this.cut();
    else reply(response, what);
  }
}

function reply(response: Http2ServerResponse, what: Exclude<Reply, 'cut'>): void {
  if (response.destroyed || what === 'hang') return;
  const { stream } = response as Partial<Http2ServerResponse>;
  if (what === 'reset') {
    if (stream === undefined) response.socket.destroy();
    else stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  } else if (what === 'refuse') {
    stream?.close(constants.NGHTTP2_REFUSED_STREAM);
  } else if (what === 'endless') {
    response.writeHead(200);
    const more = (): void => void response.write('x'.repeat(16 * 1024), (error) => error ?? more());
    response.on('error', () => {});
    more();
  } else {
    response.writeHead(what.status, what.headers ?? {}).end(what.body ?? '');
  }
}
