import type { Metadata } from '@grpc/grpc-js';
import { bearerToken, namedUser } from '../core/call-headers.ts';
import type { CallContext } from '../core/door.ts';
import { forwardedAddress } from '../core/forwarded.ts';

/** What a call tells of where it comes from. */
export interface Arriving {
  readonly metadata: Metadata;
  /** `address:port` of the other end of the connection. */
  getPeer(): string;
}

/** Who calls, as far as the metadata says. */
export function callContext(call: Arriving, trustedProxies: number): CallContext {
  return {
    bearer: bearerToken(textOf(call.metadata, 'authorization')),
    user: namedUser(textOf(call.metadata, 'parley-user')),
    remoteAddress: callerAddress(call, trustedProxies),
    traceparent: textOf(call.metadata, 'traceparent'),
  };
}

/** The caller's address: the peer of the connection, or, behind trusted proxies, what the outermost of them wrote down. */
export function callerAddress(call: Arriving, trustedProxies: number): string {
  // Read on this side of the door, so that it costs nothing where nobody is trusted.
  const hops = trustedProxies === 0 ? [] : call.metadata.get('x-forwarded-for');
  return forwardedAddress(hops.join(','), peerAddress(call.getPeer()), trustedProxies);
}

function textOf(metadata: Metadata, key: string): string | undefined {
  const [value] = metadata.get(key);
  return typeof value === 'string' ? value : undefined;
}

/** The address of `address:port`; IPv4 in its own notation also where an IPv6 socket accepted it. */
function peerAddress(peer: string): string {
  const colon = peer.lastIndexOf(':');
  const address = colon < 0 ? peer : peer.slice(0, colon);
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}
