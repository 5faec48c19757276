import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';

export type HttpRequest = IncomingMessage | Http2ServerRequest;
export type HttpResponse = ServerResponse | Http2ServerResponse;
export type RequestHandler = (request: HttpRequest, response: HttpResponse) => void;

/** Path of a request's URL, without its query; still percent-encoded. */
export function pathOf(url: string): string {
  const mark = url.indexOf('?');
  return mark === -1 ? url : url.slice(0, mark);
}

export function queryOf(url: string): URLSearchParams {
  const mark = url.indexOf('?');
  return new URLSearchParams(mark === -1 ? '' : url.slice(mark + 1));
}

type HeaderValue = string | number;

/** Answers with a whole body. */
export function respond(
  request: HttpRequest,
  response: HttpResponse,
  status: number,
  headers: Record<string, HeaderValue>,
  body: Uint8Array | string,
): void {
  if (response.headersSent || response.writableEnded) return;
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const bare = status === 204 || status === 304;
  // HTTP/1.1 and HTTP/2 responses share these methods, but not a type.
  const out = response as ServerResponse;
  out.writeHead(status, bare ? headers : { ...headers, 'content-length': bytes.byteLength });
  out.end(bare || request.method === 'HEAD' ? undefined : bytes);
}
