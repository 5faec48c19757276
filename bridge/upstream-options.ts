import { z } from 'zod';
import { option, type OptionTable } from '../services/core/config.ts';

/** For a bridge that runs as a process of its own. */
export const upstreamOptions = {
  url: option({
    env: 'PARLEY_UPSTREAM',
    type: z.string(),
    default: 'http://127.0.0.1:9504',
    doc: 'Node port of the connection node that a bridge of its own attaches to.',
  }),
} satisfies OptionTable;

export interface UpstreamConfig {
  readonly url: string;
  /** The secret that nodes and bridges show each other; empty in development. */
  readonly clusterToken: string;
}
