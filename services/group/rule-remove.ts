import { Fault } from '../core/fault.ts';
import type { GroupChange } from '../peer/edge-frames.ts';
import type { Decision } from '../peer/group-frames.ts';
import { userFault } from './limits.ts';
import { type Ask, isHigher, memberNotFound, standing } from './standing.ts';

/** The owner and admins may remove members whose role is lower than their own. */
export function decideRemove(ask: Ask, { user }: Extract<GroupChange, { t: 'remove' }>): Decision | Fault {
  const fault = userFault(user, 'user_id');
  if (fault !== undefined) return fault;
  const actor = standing(ask, 'admin');
  if (actor instanceof Fault) return actor;
  const role = ask.facts.roles.get(user);
  if (role === undefined) return memberNotFound('user_id');
  if (!isHigher(actor.role, role))
    return new Fault('notAllowed', { field: 'user_id', message: 'only lower roles may be removed' });
  return {
    preconditions: [...actor.preconditions, { t: 'role', user, role }],
    entries: [{ t: 'memberRemoved', user, left: false }],
  };
}
