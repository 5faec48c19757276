import { Fault } from '../core/fault.ts';
import type { GroupChange } from '../peer/edge-frames.ts';
import type { Decision, Precondition } from '../peer/group-frames.ts';
import { invalid, usersFault } from './limits.ts';
import { type Ask, groupFull, standing, wornOut } from './standing.ts';

/**
 * The owner and admins may add users: all who are named, or none. Members are passed over. What it rests on is that the
 * newcomers are still none and that there is room, not how many members there are: joins at the same time all pass.
 */
export function decideAdd(ask: Ask, change: Extract<GroupChange, { t: 'add' }>): Decision | Fault {
  if (change.users.length === 0) return invalid('users', 'is empty');
  const fault = usersFault(change.users, 'users');
  if (fault !== undefined) return fault;
  const actor = standing(ask, 'admin');
  if (actor instanceof Fault) return actor;
  const { facts } = ask;
  const named = [...new Set(change.users)];
  const users = named.filter((user) => facts.roles.get(user) === undefined);
  const asTheyAre = named.map((user): Precondition => ({ t: 'role', user, role: facts.roles.get(user) }));
  if (users.length === 0) return { preconditions: [...actor.preconditions, ...asTheyAre], entries: [] };
  if (facts.memberCount + users.length > actor.group.maxMembers) return groupFull(actor.group);
  const worn = wornOut(facts);
  if (worn !== undefined) return worn;
  return {
    preconditions: [...actor.preconditions, ...asTheyAre, { t: 'room', room: users.length }],
    entries: [{ t: 'membersAdded', users }],
  };
}
