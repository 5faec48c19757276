import { Fault } from '../core/fault.ts';
import type { GroupChange } from '../peer/edge-frames.ts';
import type { Decision } from '../peer/group-frames.ts';
import { userFault } from './limits.ts';
import { type Ask, memberNotFound, standing } from './standing.ts';

/** The owner may give a member another role. Giving away `owner` makes the former owner an admin. */
export function decideSetRole(
  ask: Ask,
  { user, role }: Extract<GroupChange, { t: 'setRole' }>,
): Decision | Fault {
  const fault = userFault(user, 'user_id');
  if (fault !== undefined) return fault;
  const actor = standing(ask, 'owner');
  if (actor instanceof Fault) return actor;
  const former = ask.facts.roles.get(user);
  if (former === undefined) return memberNotFound('user_id');
  const preconditions = [...actor.preconditions, { t: 'role', user, role: former } as const];
  if (former === role) return { preconditions, entries: [] };
  if (user === ask.actor)
    return new Fault('ownerMustHandOver', { message: 'make another member the owner instead' });
  const given = { t: 'roleChanged', user, role } as const;
  if (role !== 'owner') return { preconditions, entries: [given] };
  return { preconditions, entries: [given, { t: 'roleChanged', user: ask.actor, role: 'admin' }] };
}
