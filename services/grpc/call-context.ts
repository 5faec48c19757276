import type { Metadata } from '@grpc/grpc-js';
import { bearerToken, namedUser } from '../core/call-headers.ts';
import type { CallContext } from '../core/door.ts';

/** Who calls, as far as the metadata says. */
export function callContext(metadata: Metadata, peer: string): CallContext {
  return {
    bearer: bearerToken(textOf(metadata, 'authorization')),
    user: namedUser(textOf(metadata, 'parley-user')),
    remoteAddress: peerAddress(peer),
  };
}

function textOf(metadata: Metadata, key: string): string | undefined {
  const [value] = metadata.get(key);
  return typeof value === 'string' ? value : undefined;
}

/** The address of `address:port`; IPv4 in its own notation also where an IPv6 socket accepted it. */
export function peerAddress(peer: string): string {
  const colon = peer.lastIndexOf(':');
  const address = colon < 0 ? peer : peer.slice(0, colon);
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}
