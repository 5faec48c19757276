import { GroupLinkService } from '../../gen/parley/node/v1/group_link_pb.ts';
import { OwnerLinkService } from '../../gen/parley/node/v1/owner_link_pb.ts';
import { PeerLinkService } from '../../gen/parley/node/v1/peer_link_pb.ts';
import { bytesMethod } from './service-definition.ts';

/** The streams that carry links, and how grpc-js is set up for them. */

export const ownerLink = bytesMethod(OwnerLinkService.method.linkOwner);
export const groupLink = bytesMethod(GroupLinkService.method.linkGroup);
export const peerLink = bytesMethod(PeerLinkService.method.linkPeer);

/** Largest message of a link: a page of history may be large. */
export const maxMessageBytes = 16 * 1024 * 1024;

/** A neighbour that says nothing and doesn't answer is given up within two seconds. */
export const linkChannelOptions = {
  'grpc.max_receive_message_length': maxMessageBytes,
  'grpc.max_send_message_length': maxMessageBytes,
  'grpc.keepalive_time_ms': 1_000,
  'grpc.keepalive_timeout_ms': 1_000,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc-node.max_session_memory': 256,
  'grpc.enable_channelz': 0,
};
