import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';

export interface H2SessionInit {
  readonly origin: string;
  /** Certificate authorities (PEM) that the service is trusted by, instead of the usual ones. */
  readonly ca: string | undefined;
  /** For the connection, TLS and the service's settings. */
  readonly connectTimeoutMs: number;
  /** Between two pings. */
  readonly pingIntervalMs: number;
  /** For the answer to a ping; a service that doesn't answer is given up, with all that is under way. */
  readonly pingTimeoutMs: number;
  /** Called when the state or the room has changed. */
  readonly onChange: (session: H2Session) => void;
}

/** What came of a request. */
export type H2Outcome =
  | {
      readonly t: 'answered';
      readonly status: number;
      readonly retryAfter: string | undefined;
      /** At most 16 KiB of it, and less where it was cut off. */
      readonly body: string;
    }
  /** The service has done nothing with it: it may go elsewhere at once. */
  | { readonly t: 'unprocessed'; readonly reason: string }
  /** Whether the service has done anything with it is not known. */
  | { readonly t: 'failed'; readonly reason: string };

export interface H2Exchange {
  readonly outcome: Promise<H2Outcome>;
  /** Gives up; the outcome is what is known by then. */
  cancel(reason: string): void;
}

const mostBodyBytes = 16 * 1024;

/**
 * - `connecting`: no requests yet.
 * - `open`: takes requests, as many at once as the service allows.
 * - `draining`: the service takes no more, but answers those that are under way.
 * - `ended`: nothing is under way.
 */
export type H2State = 'connecting' | 'open' | 'draining' | 'ended';

/** One HTTP/2 connection to a service, from the first SYN to the last answer. */
export class H2Session {
  readonly #init: H2SessionInit;
  readonly #session: ClientHttp2Session;
  readonly #connectTimer: NodeJS.Timeout;
  #pingTimer: NodeJS.Timeout | undefined;
  #pingAnswerTimer: NodeJS.Timeout | undefined;
  #state: H2State = 'connecting';
  #active = 0;
  #answers = 0;
  /** Streams above it were not looked at by a service that said goodbye. */
  #lastStreamId = Number.POSITIVE_INFINITY;
  #reason = 'the connection was closed';

  constructor(init: H2SessionInit) {
    this.#init = init;
    this.#session = connect(init.origin, {
      settings: { enablePush: false },
      ...(init.ca === undefined ? {} : { ca: init.ca }),
    });
    this.#connectTimer = setTimeout(() => {
      this.#end(`no connection within ${init.connectTimeoutMs} ms`);
    }, init.connectTimeoutMs);
    this.#session.on('remoteSettings', () => this.#opened());
    this.#session.on('goaway', (code, lastStreamId) => this.#goodbye(code, lastStreamId));
    this.#session.on('error', (error: NodeJS.ErrnoException) => {
      this.#reason = error.code ?? error.message;
    });
    this.#session.once('close', () => this.#closed());
  }

  get state(): H2State {
    return this.#state;
  }

  /** Requests that it takes now. */
  get room(): number {
    if (this.#state !== 'open') return 0;
    const most = this.#session.remoteSettings.maxConcurrentStreams ?? Number.POSITIVE_INFINITY;
    return Math.max(0, most - this.#active);
  }

  /** Requests under way. */
  get active(): number {
    return this.#active;
  }

  /** Whether the service has ever answered a request. */
  get answered(): boolean {
    return this.#answers > 0;
  }

  /** Why it ended. */
  get reason(): string {
    return this.#reason;
  }

  /** POSTs; never throws. Only while there is room. */
  request(headers: Readonly<Record<string, string>>, body: Uint8Array): H2Exchange {
    let stream: ClientHttp2Stream;
    try {
      stream = this.#session.request({ ':method': 'POST', 'content-length': body.byteLength, ...headers });
    } catch (error) {
      const reason = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
      return { outcome: Promise.resolve({ t: 'unprocessed', reason }), cancel() {} };
    }
    this.#active += 1;
    const { promise, resolve } = Promise.withResolvers<H2Outcome>();
    const answer = collect(stream);
    let reason: string | undefined;
    stream.on('error', (error: NodeJS.ErrnoException) => {
      reason = error.code ?? error.message;
    });
    stream.once('close', () => {
      this.#active -= 1;
      const known = answer();
      if (known !== undefined) this.#answers += 1;
      resolve(
        known ?? { t: this.#untouched(stream) ? 'unprocessed' : 'failed', reason: reason ?? this.#reason },
      );
      this.#init.onChange(this);
    });
    stream.end(body);
    const cancel = (why: string): void => {
      resolve(answer() ?? { t: 'failed', reason: why });
      stream.close(constants.NGHTTP2_CANCEL);
    };
    return { outcome: promise, cancel };
  }

  /** Asks the service whether it is still there. */
  ping(): void {
    if (this.#pingAnswerTimer !== undefined || this.#state === 'connecting' || this.#session.destroyed)
      return;
    this.#pingAnswerTimer = setTimeout(() => this.#end('no answer to a ping'), this.#init.pingTimeoutMs);
    // One that could not be sent is not answered either.
    this.#session.ping((error) => {
      if (error !== null) return;
      clearTimeout(this.#pingAnswerTimer);
      this.#pingAnswerTimer = undefined;
    });
  }

  /** Cuts off what is under way. */
  destroy(): void {
    this.#end('closed');
  }

  #opened(): void {
    if (this.#state === 'connecting') {
      clearTimeout(this.#connectTimer);
      this.#state = 'open';
      this.#pingTimer = setInterval(() => this.ping(), this.#init.pingIntervalMs);
      this.#pingTimer.unref();
    }
    this.#init.onChange(this);
  }

  /** Node itself closes the connection now, or when what is under way is answered, as the code demands. */
  #goodbye(code: number, lastStreamId: number): void {
    this.#lastStreamId = Math.min(this.#lastStreamId, lastStreamId);
    this.#reason = `the service said goodbye (${code})`;
    if (this.#state === 'ended') return;
    this.#state = 'draining';
    this.#init.onChange(this);
  }

  #untouched(stream: ClientHttp2Stream): boolean {
    const refused = stream.rstCode === constants.NGHTTP2_REFUSED_STREAM;
    return refused || stream.id === undefined || stream.id > this.#lastStreamId;
  }

  #end(reason: string): void {
    if (this.#state === 'ended') return;
    this.#reason = reason;
    this.#session.destroy();
    this.#closed();
  }

  #closed(): void {
    clearTimeout(this.#connectTimer);
    clearInterval(this.#pingTimer);
    clearTimeout(this.#pingAnswerTimer);
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#init.onChange(this);
  }
}

/** Gathers what comes on a stream; the function says what it amounts to so far, undefined before the status. */
function collect(stream: ClientHttp2Stream): () => H2Outcome | undefined {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let status: number | undefined;
  let retryAfter: string | undefined;
  stream.once('response', (headers) => {
    status = headers[':status'];
    retryAfter = headers['retry-after'];
  });
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.byteLength;
    if (bytes <= mostBodyBytes) chunks.push(chunk);
    else stream.close(constants.NGHTTP2_CANCEL);
  });
  return () =>
    status === undefined
      ? undefined
      : { t: 'answered', status, retryAfter, body: Buffer.concat(chunks).toString() };
}
