import type { ConvId, Seq, UserId } from '../core/ids.ts';
import type { TraceContext } from '../core/trace-context.ts';
import type { GroupRow, Role } from '../ports/message-store.ts';
import type { GroupChange, Refusal } from './edge-frames.ts';

/** What message nodes and group nodes say to each other. */

/** The rules as the owner has them, as far as the decision needs them. */
export interface GroupFacts {
  /** Undefined where the group doesn't exist. */
  readonly group: GroupRow | undefined;
  readonly memberCount: number;
  /** Members now and formerly, with those whom the change names; 0 from nodes that do not say. */
  readonly knownCount: number;
  /** The actor's role and those of the users that the change names; undefined for users who are not members. */
  readonly roles: ReadonlyMap<UserId, Role | undefined>;
}

/** message → group */
export type GroupRequestFrame =
  | {
      readonly t: 'decide';
      readonly request: number;
      readonly groupId: ConvId;
      readonly actor: UserId;
      readonly change: GroupChange;
      readonly facts: GroupFacts;
      /** Of a sampled command; absent for all others. */
      readonly trace?: TraceContext | undefined;
    }
  /** What became of a decision. */
  | { readonly t: 'committed'; readonly groupId: ConvId; readonly seq: Seq; readonly version: number };

/** group → message */
export type GroupDecisionFrame =
  | { readonly t: 'decided'; readonly request: number; readonly decision: Decision }
  | { readonly t: 'refused'; readonly request: number; readonly refusal: Refusal };

/**
 * What a group node wants committed, and what it rests on. The owner compares the preconditions with the rules when the
 * batch closes, and asks again with newer facts where one no longer holds.
 */
export interface Decision {
  readonly preconditions: readonly Precondition[];
  /** In order; each becomes one entry. Empty: nothing has to change. */
  readonly entries: readonly GroupEntry[];
}

export type Precondition =
  | { readonly t: 'absent' }
  | { readonly t: 'exists' }
  | { readonly t: 'role'; readonly user: UserId; readonly role: Role | undefined }
  /** Holds while memberCount + room ≤ maxMembers. */
  | { readonly t: 'room'; readonly room: number }
  | { readonly t: 'alone' };

export type GroupEntry =
  | {
      readonly t: 'groupCreated';
      readonly group: Omit<GroupRow, 'version' | 'memberCount'>;
      readonly members: readonly UserId[];
    }
  | { readonly t: 'groupRenamed'; readonly name: string }
  | { readonly t: 'membersAdded'; readonly users: readonly UserId[] }
  | { readonly t: 'memberRemoved'; readonly user: UserId; readonly left: boolean }
  | { readonly t: 'roleChanged'; readonly user: UserId; readonly role: Role };
