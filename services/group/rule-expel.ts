import { Fault } from '../core/fault.ts';
import type { GroupChange } from '../peer/edge-frames.ts';
import type { Decision } from '../peer/group-frames.ts';
import { userFault } from './limits.ts';
import { type Ask, memberNotFound } from './standing.ts';

/**
 * An administrator of the deployment puts anybody out, being a member or not; the owner of the group only when nobody else
 * is left, since the group would have none.
 */
export function decideExpel(
  { facts }: Ask,
  { user }: Extract<GroupChange, { t: 'expel' }>,
): Decision | Fault {
  const fault = userFault(user, 'user_id');
  if (fault !== undefined) return fault;
  if (facts.group === undefined)
    return new Fault('conversationNotFound', { field: 'group_id', message: 'no such group' });
  const role = facts.roles.get(user);
  if (role === undefined) return memberNotFound('user_id');
  const alone = role === 'owner';
  if (alone && facts.memberCount > 1)
    return new Fault('ownerMustHandOver', {
      field: 'user_id',
      message: 'the owner can not be put out while the group has other members',
    });
  return {
    preconditions: [{ t: 'exists' }, { t: 'role', user, role }, ...(alone ? [{ t: 'alone' } as const] : [])],
    entries: [{ t: 'memberRemoved', user, left: false }],
  };
}
