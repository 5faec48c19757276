import { z } from 'zod';
import { option, type OptionTable } from '../services/core/config.ts';
import type { TlsSource } from '../services/core/certificates.ts';

/** For a bridge that runs as a process of its own. */
export const upstreamOptions = {
  urls: option<readonly string[]>({
    env: 'PARLEY_UPSTREAM',
    type: z.array(z.string()).min(1),
    default: ['http://127.0.0.1:9504'],
    doc: 'Comma-separated node ports of connection nodes that a bridge of its own may attach to: to the first one, and to the next one whenever it is lost. `https:` where nodes have certificates (PARLEY_LINK_TLS_CERT).',
  }),
} satisfies OptionTable;

export interface UpstreamConfig {
  /** One or more; tried in turn. */
  readonly urls: readonly string[];
  /** The secret that nodes and bridges show each other; empty in development. */
  readonly clusterToken: string;
  /** For `https:` URLs; undefined: without TLS. */
  readonly tls?: TlsSource | undefined;
}
