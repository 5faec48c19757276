import type { Seq, UserId } from '../core/ids.ts';
import type { CursorRow, MemberRow } from '../ports/message-store.ts';
import type { AckState } from '../ports/session-acks.ts';

/** The newest message of an interval that is still there. */
export interface NewestMessage {
  readonly seq: Seq;
  readonly sender: string;
  readonly createdAtMs: number;
}

/**
 * Whether a user is to hear of a message at all, unless he has read it: a member to whom it belongs, who has not said it
 * himself, which is then the last word in the interval.
 */
export function concerns(
  { userId, joinedSeq, leftSeq }: Pick<MemberRow, 'userId' | 'joinedSeq' | 'leftSeq'>,
  { seq, sender }: Pick<NewestMessage, 'seq' | 'sender'>,
): boolean {
  return leftSeq === 0 && joinedSeq <= seq && sender !== userId;
}

export interface DeviceFacts {
  readonly registeredAtMs: number;
  /** The last entry that the device was told of. */
  readonly toldSeq: Seq;
  /** How far each session that the device has is with the message. */
  readonly sessions: readonly AckState[];
  /** The user's cursor: on some device. */
  readonly deliveredSeq: Seq;
  /** Sessions have had the time that an acknowledgement takes. */
  readonly late: boolean;
}

/** `push`: now. `wait`: it has a session that may acknowledge in time. `spare`: it knows already. */
export type Verdict = 'push' | 'wait' | 'spare';

/** What a device is to get. Acknowledgements count, not that a session is there: it may be half-open. */
export function verdict(
  { seq, createdAtMs }: Pick<NewestMessage, 'seq' | 'createdAtMs'>,
  { registeredAtMs, toldSeq, sessions, deliveredSeq, late }: DeviceFacts,
): Verdict {
  if (toldSeq >= seq) return 'spare';
  // It came to be pushed to later: what was before, it has found when it came.
  if (createdAtMs < registeredAtMs) return 'spare';
  if (sessions.length === 0) return 'push';
  if (sessions.includes('acknowledged')) return 'spare';
  if (sessions.includes('unknown') && deliveredSeq >= seq) return 'spare';
  return late ? 'push' : 'wait';
}

/** Where a cursor that was never raised stands. */
export function cursorOf(
  cursors: ReadonlyMap<UserId, CursorRow>,
  userId: UserId,
): Pick<CursorRow, 'readSeq' | 'deliveredSeq'> {
  return cursors.get(userId) ?? { readSeq: 0, deliveredSeq: 0 };
}
