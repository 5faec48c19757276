import type { Seq, UserId } from '../core/ids.ts';
import type { PairSet } from '../core/pair-map.ts';
import type { AudienceNo } from '../peer/edge-frames.ts';
import type { EdgePeer } from './edge-peer.ts';

/** Which users on one edge hear of one conversation, as that edge was told. */
export interface Audience {
  readonly no: AudienceNo;
  readonly edge: EdgePeer;
  readonly users: PairSet<UserId>;
  /** Whether the edge has been told of it. */
  announced: boolean;
  /** Some of them have left: they hear of nothing after that. */
  leavers: boolean;
  /** The first entry that it has not been sent. */
  nextSeq: Seq;
}
