import { z } from 'zod';
import { type ConfigOf, option, type OptionTable } from '../services/core/config.ts';

/** For a bridge that runs as a process of its own. */
export const upstreamOptions = {
  url: option({
    env: 'PARLEY_UPSTREAM',
    type: z.string(),
    default: 'http://127.0.0.1:9504',
    doc: 'Node port of the connection node that a bridge of its own attaches to.',
  }),
  clusterToken: option({
    env: 'PARLEY_CLUSTER_TOKEN',
    type: z.string(),
    default: '',
    doc: 'Secret that nodes and bridges show each other.',
    secret: true,
  }),
} satisfies OptionTable;

export type UpstreamConfig = ConfigOf<{ readonly upstream: typeof upstreamOptions }>['upstream'];
