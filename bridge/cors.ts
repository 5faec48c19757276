import { cors } from '@connectrpc/connect';
import { type HttpRequest, type HttpResponse, respond } from './http-types.ts';

const methods = [...new Set([...cors.allowedMethods, 'GET', 'POST', 'PATCH', 'PUT', 'DELETE'])].join(', ');
const headers = [
  ...cors.allowedHeaders,
  'Authorization',
  'Parley-User',
  'Idempotency-Key',
  'Traceparent',
].join(', ');
const exposed = [...cors.exposedHeaders, 'Retry-After'].join(', ');

/** Lets a page of an allowed origin read the answer. Call only after the origin passed the guard. */
export function allowOrigin(request: HttpRequest, response: HttpResponse): void {
  const { origin } = request.headers;
  if (origin === undefined) return;
  response.setHeader('access-control-allow-origin', origin);
  response.setHeader('access-control-expose-headers', exposed);
  response.setHeader('vary', 'origin');
}

/** Answers a browser's question before it calls from another origin; false when the request is none. */
export function preflight(request: HttpRequest, response: HttpResponse): boolean {
  if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined)
    return false;
  const answer = {
    'access-control-allow-methods': methods,
    'access-control-allow-headers': headers,
    'access-control-max-age': 7200,
  };
  respond(request, response, 204, answer, '');
  return true;
}
