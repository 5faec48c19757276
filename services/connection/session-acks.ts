import type { Seq } from '../core/ids.ts';
import type { AskAcksFrame } from '../peer/edge-frames.ts';
import type { AckState, SessionAck } from '../ports/session-acks.ts';
import type { Delivery } from './delivery.ts';
import type { SessionBook } from './session-book.ts';

/** The sessions that users have here, and how far each is with an entry. */
export function sessionAcks(
  sessions: Pick<SessionBook, 'signedInOf'>,
  { convId, seq, users }: Pick<AskAcksFrame, 'convId' | 'seq' | 'users'>,
): SessionAck[] {
  const acks: SessionAck[] = [];
  for (const userId of users)
    for (const session of sessions.signedInOf(userId))
      acks.push({ userId, deviceId: session.deviceId, state: ackState(session.deliveries.get(convId), seq) });
  return acks;
}

/** A session that came later counts as owing nothing of what was before: that is no acknowledgement. */
export function ackState(
  delivery: Pick<Delivery, 'enteredSeq' | 'ackedSeq'> | undefined,
  seq: Seq,
): AckState {
  if (delivery === undefined || seq <= delivery.enteredSeq) return 'unknown';
  return delivery.ackedSeq >= seq ? 'acknowledged' : 'owing';
}
