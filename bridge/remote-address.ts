import { forwardedAddress } from '../services/core/forwarded.ts';
import type { HttpRequest } from './http-types.ts';

/** The client's address: the peer of the connection, or, behind trusted proxies, what the outermost of them wrote down. */
export function remoteAddressOf(request: HttpRequest, trustedProxies: number): string {
  const header = request.headers['x-forwarded-for'];
  const hops = Array.isArray(header) ? header.join(',') : (header ?? '');
  return forwardedAddress(hops, request.socket?.remoteAddress ?? '', trustedProxies);
}
