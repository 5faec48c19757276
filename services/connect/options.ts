import { z } from 'zod';
import { type ConfigOf, option, type OptionTable } from '../core/config.ts';

/** The private port that remote bridges and internal services use. */
export const nodeOptions = {
  host: option({
    env: 'PARLEY_NODE_HOST',
    type: z.string(),
    default: '127.0.0.1',
    doc: 'Address that the node port binds to. Keep it private: who reaches it with the cluster token speaks for any client.',
  }),
  port: option({
    env: 'PARLEY_NODE_PORT',
    type: z.int().min(0).max(65_535),
    default: 9504,
    doc: 'Port for remote bridges and internal services (Connect and gRPC over HTTP/2); 0 takes a free one.',
  }),
  clusterToken: option({
    env: 'PARLEY_CLUSTER_TOKEN',
    type: z.string(),
    default: '',
    doc: 'Secret that nodes and bridges show each other, at least 32 characters. Needed in production wherever the node port is open.',
    secret: true,
  }),
} satisfies OptionTable;

export type NodeConfig = ConfigOf<{ readonly node: typeof nodeOptions }>['node'];
