import type { EdgeFrame, OwnerFrame } from './edge-frames.ts';
import { decodeEdgeFrames, encodeEdgeFrames } from './edge-wire.ts';
import type { GroupDecisionFrame, GroupRequestFrame } from './group-frames.ts';
import {
  decodeGroupDecisions,
  decodeGroupRequests,
  encodeGroupDecisions,
  encodeGroupRequests,
} from './group-wire.ts';
import { decodeOwnerFrames, encodeOwnerFrames } from './owner-wire.ts';
import type { PeerAnswerFrame, PeerQuestionFrame } from './peer-frames.ts';
import {
  decodePeerAnswers,
  decodePeerQuestions,
  encodePeerAnswers,
  encodePeerQuestions,
} from './peer-wire.ts';
import type { LinkCodec } from './stream-link.ts';

/** At a connection node. */
export const edgeCodec: LinkCodec<EdgeFrame, OwnerFrame> = {
  encode: encodeEdgeFrames,
  decode: decodeOwnerFrames,
};

/** At a message node, towards connection nodes. */
export const ownerCodec: LinkCodec<OwnerFrame, EdgeFrame> = {
  encode: encodeOwnerFrames,
  decode: decodeEdgeFrames,
};

/** At a message node, towards group nodes. */
export const groupRequestCodec: LinkCodec<GroupRequestFrame, GroupDecisionFrame> = {
  encode: encodeGroupRequests,
  decode: decodeGroupDecisions,
};

/** At a group node. */
export const groupDecisionCodec: LinkCodec<GroupDecisionFrame, GroupRequestFrame> = {
  encode: encodeGroupDecisions,
  decode: decodeGroupRequests,
};

/** At a message node or a push node, towards message nodes that it asks. */
export const peerQuestionCodec: LinkCodec<PeerQuestionFrame, PeerAnswerFrame> = {
  encode: encodePeerQuestions,
  decode: decodePeerAnswers,
};

/** At a message node that is asked. */
export const peerAnswerCodec: LinkCodec<PeerAnswerFrame, PeerQuestionFrame> = {
  encode: encodePeerAnswers,
  decode: decodePeerQuestions,
};
