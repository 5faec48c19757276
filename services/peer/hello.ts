import type { MessageInitShape } from '@bufbuild/protobuf';
import type { LinkHello, LinkHelloSchema } from '../../gen/parley/node/v1/link_pb.ts';

/** Nodes of different versions don't link. */
export const linkVersion = 1;

/** How a node introduces itself on a link. */
export interface Hello {
  readonly version: number;
  /** Stays the same when the node restarts. */
  readonly nodeId: string;
  /** The node's run: grows with each. */
  readonly incarnation: number;
  /** The secret that nodes share; empty where none is set. */
  readonly clusterToken: string;
  /** The epoch of the store that a message node writes to, and that an edge has heard of last; empty else. */
  readonly storeEpoch: string;
}

/** What is said on a link: the hello, and then the frames of its kind. */
export type WithHello<T> = T | { readonly t: 'hello'; readonly hello: Hello };

export function wireHello(hello: Hello): MessageInitShape<typeof LinkHelloSchema> {
  const { version, nodeId, incarnation, clusterToken, storeEpoch } = hello;
  return {
    protocolVersion: version,
    nodeId,
    incarnation: BigInt(incarnation),
    clusterToken,
    storeEpoch,
  };
}

export function helloOf(wire: LinkHello): Hello {
  const { protocolVersion, nodeId, incarnation, clusterToken, storeEpoch } = wire;
  return { version: protocolVersion, nodeId, incarnation: Number(incarnation), clusterToken, storeEpoch };
}
