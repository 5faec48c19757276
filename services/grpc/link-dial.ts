import type { TlsSource } from '../core/certificates.ts';
import { Dialer, type DialerParts } from '../peer/dialer.ts';
import type { EdgeFrame, OwnerFrame } from '../peer/edge-frames.ts';
import type { GroupDecisionFrame, GroupRequestFrame } from '../peer/group-frames.ts';
import { edgeCodec, groupRequestCodec, peerQuestionCodec } from '../peer/link-codecs.ts';
import type { PeerAnswerFrame, PeerQuestionFrame } from '../peer/peer-frames.ts';
import { LinkClient } from './link-client.ts';
import { dialCredentials } from './link-credentials.ts';
import { groupLink, ownerLink, peerLink } from './link-methods.ts';

type Parts<Out extends { readonly t: string }, In extends { readonly t: string }> = Omit<
  DialerParts<Out, In>,
  'dial' | 'codec'
> & {
  /** Undefined: without TLS. */
  readonly tls: TlsSource | undefined;
};

/** Keeps a connection node linked to the message node at an address. */
export function dialMessageNode(parts: Parts<EdgeFrame, OwnerFrame>): Dialer<EdgeFrame, OwnerFrame> {
  const client = new LinkClient(parts.address, dialCredentials(parts.tls));
  return new Dialer({ ...parts, codec: edgeCodec, dial: (events) => client.dial(ownerLink, events) });
}

/** Keeps a message node linked to the group node at an address. */
export function dialGroupNode(
  parts: Parts<GroupRequestFrame, GroupDecisionFrame>,
): Dialer<GroupRequestFrame, GroupDecisionFrame> {
  const client = new LinkClient(parts.address, dialCredentials(parts.tls));
  return new Dialer({ ...parts, codec: groupRequestCodec, dial: (events) => client.dial(groupLink, events) });
}

/** Keeps a message node or a push node linked to the message node at an address that it asks. */
export function dialPeer(
  parts: Parts<PeerQuestionFrame, PeerAnswerFrame>,
): Dialer<PeerQuestionFrame, PeerAnswerFrame> {
  const client = new LinkClient(parts.address, dialCredentials(parts.tls));
  return new Dialer({ ...parts, codec: peerQuestionCodec, dial: (events) => client.dial(peerLink, events) });
}
