import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

export interface PosterInit {
  readonly url: URL;
  readonly ca: string | undefined;
  /** Connections at once, at most. */
  readonly connections: number;
  /** From the beginning to the status line. */
  readonly timeoutMs: number;
}

/** What a receiver said, or why it said nothing. */
export type Answer =
  | { readonly t: 'status'; readonly status: number; readonly retryAfter: string | undefined }
  | { readonly t: 'failed'; readonly reason: string };

/** Bytes and time that the body of an answer gets; nobody looks at it, it only makes the connection good for the next. */
const bodyBytes = 16 * 1024;
const bodyMs = 1_000;
const headerBytes = 16 * 1024;

/**
 * Posts to one URL, over connections that are kept. The status line is the answer: redirects are not followed, and a
 * body that is large, slow or cut off costs the receiver no more than its connection.
 */
export class Poster {
  readonly #init: PosterInit;
  readonly #agent: HttpAgent | HttpsAgent;

  constructor(init: PosterInit) {
    this.#init = init;
    const options = { keepAlive: true, maxSockets: init.connections, maxFreeSockets: init.connections };
    this.#agent =
      init.url.protocol === 'https:'
        ? new HttpsAgent({ ...options, ...(init.ca === undefined ? {} : { ca: init.ca }) })
        : new HttpAgent(options);
  }

  /** Never rejects. */
  post(headers: Readonly<Record<string, string>>, body: string): Promise<Answer> {
    const { promise, resolve } = Promise.withResolvers<Answer>();
    const { url, timeoutMs } = this.#init;
    const bytes = Buffer.from(body);
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const request = send(url, {
      method: 'POST',
      agent: this.#agent,
      maxHeaderSize: headerBytes,
      headers: {
        'content-type': 'application/json',
        'content-length': bytes.byteLength,
        'user-agent': 'parley-webhooks/1',
        ...headers,
      },
    });
    const timer = setTimeout(() => {
      request.destroy(new Error(`no answer within ${timeoutMs} ms`));
    }, timeoutMs);
    request.once('response', (response) => {
      clearTimeout(timer);
      resolve({
        t: 'status',
        status: response.statusCode ?? 0,
        retryAfter: response.headers['retry-after'],
      });
      readAway(response);
    });
    request.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      resolve({ t: 'failed', reason: error.code ?? error.message });
    });
    request.end(bytes);
    return promise;
  }

  /** Cuts off whatever is under way. */
  close(): void {
    this.#agent.destroy();
  }
}

function readAway(response: IncomingMessage): void {
  let left = bodyBytes;
  const timer = setTimeout(() => response.destroy(), bodyMs);
  timer.unref();
  response.on('data', (chunk: Buffer) => {
    left -= chunk.byteLength;
    if (left < 0) response.destroy();
  });
  // The answer is known already; how its body ends is of no interest.
  response.on('error', () => {});
  response.once('close', () => clearTimeout(timer));
}
