import { z } from 'zod';
import { option, type OptionTable } from './core/config.ts';

/** For nodes that are processes of their own. */
export const clusterOptions = {
  nodeId: option({
    env: 'PARLEY_NODE_ID',
    type: z.string().max(64),
    default: '',
    doc: 'Name of this node among those of its role; stays the same when it restarts. Empty: one is made up at each start.',
  }),
  linkHost: option({
    env: 'PARLEY_LINK_HOST',
    type: z.string(),
    default: '127.0.0.1',
    doc: 'Address that the port for links of other nodes binds to. Keep it private.',
  }),
  linkPort: option({
    env: 'PARLEY_LINK_PORT',
    type: z.int().min(0).max(65_535),
    default: 9505,
    doc: 'Port for the links of other nodes (gRPC); 0 takes a free one.',
  }),
  linkAddress: option({
    env: 'PARLEY_LINK_ADDRESS',
    type: z.string(),
    default: '',
    doc: 'Host and port at which other nodes reach the link port. Empty: where it binds to; it must be set where that is `0.0.0.0` or `::`.',
  }),
  linkQueueBytes: option({
    env: 'PARLEY_LINK_QUEUE_BYTES',
    type: z.int().min(1_048_576),
    default: 64 * 1024 * 1024,
    doc: 'Bytes that may wait on one link; a link over it is closed and begins anew.',
  }),
} satisfies OptionTable;
