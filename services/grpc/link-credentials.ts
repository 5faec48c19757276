import { type ChannelCredentials, credentials } from '@grpc/grpc-js';
import type { Pem, TlsSource } from '../core/certificates.ts';
import { anyNode } from '../core/link-tls.ts';

/** How this node dials others as of now: with TLS, those alone that show a certificate of the cluster's authority. */
export function dialCredentials(tls: TlsSource | undefined): () => ChannelCredentials {
  if (tls === undefined) return () => credentials.createInsecure();
  let made: { readonly of: Pem; readonly credentials: ChannelCredentials } | undefined;
  return () => {
    const { current } = tls;
    if (made?.of !== current) made = { of: current, credentials: secured(current) };
    return made.credentials;
  };
}

function secured({ ca, key, cert }: Pem): ChannelCredentials {
  return credentials.createSsl(ca, key, cert, { checkServerIdentity: anyNode });
}
