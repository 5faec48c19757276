import type { Seq, UserId } from '../core/ids.ts';
import type { AudienceFrame, AudienceNo, Hearer } from '../peer/edge-frames.ts';
import type { Room } from './room.ts';

/** The rooms that one message node tells of, by the number that it gave each audience. */
export type Audiences = Map<AudienceNo, Room>;

/**
 * What one message node says of a conversation's hearers. While a conversation moves, two nodes may tell of it; each
 * one's word is kept, and the one that takes the most entries into account counts.
 */
export class Word {
  readonly audiences: Audiences;
  /** By what number the node calls the hearers. */
  audience: AudienceNo = 0;
  /** The last entry that it takes into account. */
  knownSeq: Seq = 0;
  users = new Map<UserId, Hearer>();

  constructor(audiences: Audiences) {
    this.audiences = audiences;
  }

  /** What the node says now; `room` is the one that it speaks of. */
  take(room: Room, { audience, knownSeq, whole, users, gone }: AudienceFrame): void {
    this.audiences.delete(this.audience);
    this.audience = audience;
    this.audiences.set(audience, room);
    this.knows(knownSeq);
    if (whole) this.users = new Map();
    for (const hearer of users) this.users.set(hearer.userId, hearer);
    for (const userId of gone) this.users.delete(userId);
  }

  knows(seq: Seq): void {
    if (seq > this.knownSeq) this.knownSeq = seq;
  }

  /** The node's number for the room names nothing any more. */
  forget(): void {
    this.audiences.delete(this.audience);
  }
}
