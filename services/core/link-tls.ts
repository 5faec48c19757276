import { z } from 'zod';
import { Certificates } from './certificates.ts';
import { ConfigError, type ConfigOf, option, type OptionTable } from './config.ts';

/** For all that nodes and bridges say to each other. */
export const linkTlsOptions = {
  cert: option<string | undefined>({
    env: 'PARLEY_LINK_TLS_CERT',
    type: z.string().optional(),
    default: undefined,
    doc: 'File with this node’s certificate chain (PEM), for links, the node port, and the way of a bridge to it. With PARLEY_LINK_TLS_KEY and PARLEY_LINK_TLS_CA it turns mutual TLS on.',
  }),
  key: option<string | undefined>({
    env: 'PARLEY_LINK_TLS_KEY',
    type: z.string().optional(),
    default: undefined,
    doc: 'File with the private key (PEM) of this node’s certificate.',
  }),
  ca: option<string | undefined>({
    env: 'PARLEY_LINK_TLS_CA',
    type: z.string().optional(),
    default: undefined,
    doc: 'File with certificates (PEM) of an authority of this cluster’s own: whoever shows a certificate that one of them has signed is one of its nodes, whatever its name.',
  }),
} satisfies OptionTable;

/**
 * The certificates that the configuration names; undefined where it names none. Throws a ConfigError for a part of them,
 * for files that can't be read, and for a key that is not the certificate's.
 */
export async function loadLinkTls({
  cert,
  key,
  ca,
}: ConfigOf<{ readonly tls: typeof linkTlsOptions }>['tls']): Promise<Certificates | undefined> {
  const named = { PARLEY_LINK_TLS_CERT: cert, PARLEY_LINK_TLS_KEY: key, PARLEY_LINK_TLS_CA: ca };
  const missing = Object.entries(named).filter(([, path]) => path === undefined);
  if (missing.length === 3) return undefined;
  if (missing.length > 0)
    throw new ConfigError(missing.map(([env]) => `${env} must be set: mutual TLS needs all three files`));
  return Certificates.load({
    name: 'links',
    cert: { env: 'PARLEY_LINK_TLS_CERT', path: cert as string },
    key: { env: 'PARLEY_LINK_TLS_KEY', path: key as string },
    ca: { env: 'PARLEY_LINK_TLS_CA', path: ca as string },
  });
}

/** Names are not looked at: nodes are found by address, and the authority signs nodes alone. */
export function anyNode(): undefined {
  return undefined;
}
