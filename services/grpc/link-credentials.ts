import { type ChannelCredentials, credentials } from '@grpc/grpc-js';
import { anyNode, type LinkTls } from '../core/link-tls.ts';

/** How this node dials others: with TLS, those alone that show a certificate of the cluster's authority. */
export function dialCredentials(tls: LinkTls | undefined): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure();
  return credentials.createSsl(tls.ca, tls.key, tls.cert, { checkServerIdentity: anyNode });
}
