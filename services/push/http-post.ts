import { type Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { type Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from 'node:https';

export interface Post {
  readonly url: URL;
  readonly agent: HttpAgent | HttpsAgent;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** From the beginning to the status line. */
  readonly timeoutMs: number;
  /** Resolves the host's name; the system's way unless given. */
  readonly lookup?: RequestOptions['lookup'];
  readonly signal?: AbortSignal | undefined;
}

/** The status line and headers of an answer, whose body is to be read or read away; or why there is none. */
export type PostAnswer =
  | { readonly t: 'answered'; readonly response: IncomingMessage }
  | { readonly t: 'failed'; readonly reason: string };

/** Bytes and time that the body of an answer gets. */
const bodyBytes = 16 * 1024;
const bodyMs = 1_000;
const headerBytes = 16 * 1024;

/** One POST. Never rejects; redirects are not followed. */
export function httpPost({
  url,
  agent,
  headers,
  body,
  timeoutMs,
  lookup,
  signal,
}: Post): Promise<PostAnswer> {
  if (signal?.aborted) return Promise.resolve({ t: 'failed', reason: 'aborted' });
  const { promise, resolve } = Promise.withResolvers<PostAnswer>();
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const request = send(url, {
    method: 'POST',
    agent,
    maxHeaderSize: headerBytes,
    headers: { 'content-length': body.byteLength, ...headers },
    ...(lookup === undefined ? {} : { lookup }),
  });
  const abort = (): void => void request.destroy(new Error('aborted'));
  const timer = setTimeout(() => {
    request.destroy(new Error(`no answer within ${timeoutMs} ms`));
  }, timeoutMs);
  const settle = (answer: PostAnswer): void => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
    resolve(answer);
  };
  signal?.addEventListener('abort', abort);
  request.once('response', (response) => settle({ t: 'answered', response }));
  request.on('error', (error: NodeJS.ErrnoException) =>
    settle({ t: 'failed', reason: error.code ?? error.message }),
  );
  request.end(body);
  return promise;
}

/** Reads a body that nobody looks at, so that the connection is good for the next; one that is large or slow ends it. */
export function readAway(response: IncomingMessage): void {
  void readBody(response);
}

/** The body as text; undefined for one that is cut off, larger than 16 KiB, or takes longer than a second. */
export function readBody(response: IncomingMessage): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const chunks: Buffer[] = [];
  let left = bodyBytes;
  const timer = setTimeout(() => response.destroy(), bodyMs);
  timer.unref();
  response.on('data', (chunk: Buffer) => {
    left -= chunk.byteLength;
    if (left < 0) response.destroy();
    else chunks.push(chunk);
  });
  response.once('end', () => resolve(Buffer.concat(chunks).toString()));
  // Of no interest beyond that it is not whole.
  response.on('error', () => {});
  response.once('close', () => {
    clearTimeout(timer);
    resolve(undefined);
  });
  return promise;
}
