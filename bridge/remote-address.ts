import type { HttpRequest } from './http-types.ts';

/**
 * The client's address: the peer of the connection, or, behind trusted proxies, what the outermost of them wrote down.
 * Entries further left come from the client and are worth nothing.
 */
export function remoteAddressOf(request: HttpRequest, trustedProxies: number): string {
  const peer = request.socket?.remoteAddress ?? '';
  if (trustedProxies === 0) return peer;
  const header = request.headers['x-forwarded-for'];
  const hops = (Array.isArray(header) ? header.join(',') : (header ?? ''))
    .split(',')
    .map((hop) => hop.trim())
    .filter((hop) => hop !== '');
  const hop = hops[hops.length - trustedProxies] ?? hops[0] ?? peer;
  return hop.slice(0, 64);
}
