import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { z } from 'zod';
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

/** What this node shows to others, and whom it believes. */
export interface LinkTls {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca: Buffer;
}

/**
 * The certificates that the configuration names; undefined where it names none. Throws a ConfigError for a part of them,
 * for files that can't be read, and for a key that is not the certificate's.
 */
export async function loadLinkTls({
  cert,
  key,
  ca,
}: ConfigOf<{ readonly tls: typeof linkTlsOptions }>['tls']): Promise<LinkTls | undefined> {
  const named = { PARLEY_LINK_TLS_CERT: cert, PARLEY_LINK_TLS_KEY: key, PARLEY_LINK_TLS_CA: ca };
  const missing = Object.entries(named).filter(([, path]) => path === undefined);
  if (missing.length === 3) return undefined;
  if (missing.length > 0)
    throw new ConfigError(missing.map(([env]) => `${env} must be set: mutual TLS needs all three files`));
  const tls: LinkTls = {
    cert: await readPem('PARLEY_LINK_TLS_CERT', cert as string),
    key: await readPem('PARLEY_LINK_TLS_KEY', key as string),
    ca: await readPem('PARLEY_LINK_TLS_CA', ca as string),
  };
  try {
    createSecureContext(tls);
  } catch (error) {
    throw new ConfigError([
      `PARLEY_LINK_TLS_CERT, PARLEY_LINK_TLS_KEY and PARLEY_LINK_TLS_CA do not fit: ${(error as Error).message}`,
    ]);
  }
  return tls;
}

/** Names are not looked at: nodes are found by address, and the authority signs nodes alone. */
export function anyNode(): undefined {
  return undefined;
}

async function readPem(env: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new ConfigError([`${env} must name a readable file: ${(error as Error).message}`]);
  }
}
