import type { ConvId, Seq, UserId } from '../core/ids.ts';

/**
 * How far a session is with an entry. `owing`: it was pushed the entry, and has not acknowledged it. `acknowledged`: it
 * has. `unknown`: it was not pushed the entry, for it was opened later, or it was told in another way; then only its
 * user's cursor may know.
 */
export type AckState = 'owing' | 'acknowledged' | 'unknown';

/** A session that a user has, whichever node it is on. */
export interface SessionAck {
  readonly userId: UserId;
  readonly deviceId: string;
  readonly state: AckState;
}

/** What sessions have acknowledged: asked by push, answered by those that have the sessions. */
export interface SessionAcks {
  /**
   * The sessions of the users, and how far each is with an entry, in no particular order; about at most
   * `maxAskedUsers` users. Sessions of a node that does not answer in time are left out: they are as good as
   * gone. Rejects when nobody can say; ask again later.
   */
  sessions(convId: ConvId, seq: Seq, users: readonly UserId[]): Promise<readonly SessionAck[]>;
}
