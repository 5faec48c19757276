import type { UserId } from '../core/ids.ts';
import type { Fault } from '../core/fault.ts';
import type { Decision } from '../peer/group-frames.ts';
import { openGroupMaxMembers } from './limits.ts';
import { type Ask, groupFull } from './standing.ts';

/**
 * Development: whoever names a group is in it. It is created when it isn't there; whoever comes into one that everybody
 * has left becomes its owner.
 */
export function decideEnsure({ groupId, actor, facts }: Ask): Decision | Fault {
  const { group, memberCount, roles } = facts;
  if (group === undefined) {
    const fresh = { name: groupId, owner: actor, maxMembers: openGroupMaxMembers, history: 'all' } as const;
    return {
      preconditions: [{ t: 'absent' }],
      entries: [{ t: 'groupCreated', group: fresh, members: [actor] }],
    };
  }
  const asIs = { t: 'role', user: actor, role: roles.get(actor) } as const;
  if (asIs.role !== undefined) return { preconditions: [asIs], entries: [] };
  const added = { t: 'membersAdded', users: [actor] } as const;
  if (memberCount === 0) {
    // Room for everybody is room in an empty group only: of two who come at once, the second is a mere member.
    return {
      preconditions: [asIs, { t: 'room', room: group.maxMembers }],
      entries: [added, { t: 'roleChanged', user: actor, role: 'owner' }],
    };
  }
  if (memberCount >= group.maxMembers) return groupFull(group);
  // The owner's role is part of it: were the owner gone when this is committed, nobody would own the group.
  const owned = { t: 'role', user: group.owner as UserId, role: 'owner' } as const;
  return { preconditions: [asIs, owned, { t: 'room', room: 1 }], entries: [added] };
}
