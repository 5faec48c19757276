import { Fault } from '../core/fault.ts';
import type { ConvId, UserId } from '../core/ids.ts';
import type { GroupFacts, Precondition } from '../peer/group-frames.ts';
import type { GroupRow, Role } from '../ports/message-store.ts';
import { mostEverMembers } from './limits.ts';

/** Who wants something of which group, and what is so. */
export interface Ask {
  readonly groupId: ConvId;
  readonly actor: UserId;
  readonly facts: GroupFacts;
}

/** A group that exists, and the actor's role in it. */
export interface Standing {
  readonly group: GroupRow;
  readonly role: Role;
  /** What a decision that is the actor's to make rests on. */
  readonly preconditions: readonly Precondition[];
}

const ranks: Record<Role, number> = { member: 1, admin: 2, owner: 3 };

export function isHigher(one: Role, other: Role): boolean {
  return ranks[one] > ranks[other];
}

/** The actor as a member of the group; what is asked is for members of at least this role. */
export function standing({ actor, facts }: Ask, atLeast: Role): Standing | Fault {
  const { group } = facts;
  if (group === undefined)
    return new Fault('conversationNotFound', { field: 'group_id', message: 'no such group' });
  const role = facts.roles.get(actor);
  if (role === undefined) return new Fault('notMember', { message: 'not a member of this group' });
  if (isHigher(atLeast, role)) {
    const who = atLeast === 'owner' ? 'the owner' : 'the owner and admins';
    return new Fault('notAllowed', { message: `this is for ${who} of the group` });
  }
  return { group, role, preconditions: [{ t: 'exists' }, { t: 'role', user: actor, role }] };
}

export function memberNotFound(field: string): Fault {
  return new Fault('memberNotFound', { field, message: 'that user is not a member of this group' });
}

/** Whether too many would have been members, by now; undefined where there is room. */
export function wornOut({ knownCount }: GroupFacts): Fault | undefined {
  if (knownCount <= mostEverMembers) return undefined;
  const message = `${mostEverMembers} users have been members of the group: make another one`;
  return new Fault('groupFull', { message });
}

export function groupFull({ maxMembers }: Pick<GroupRow, 'maxMembers'>): Fault {
  return new Fault('groupFull', { message: `the group has room for ${maxMembers} members` });
}
