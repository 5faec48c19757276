import { Fault } from '../core/fault.ts';
import type { GroupChange } from '../peer/edge-frames.ts';
import type { Decision } from '../peer/group-frames.ts';
import { defaultMaxMembers, invalid, largestMaxMembers, nameFault, usersFault } from './limits.ts';
import { type Ask, groupFull } from './standing.ts';

/** Anybody may create a group under an id that was never taken, and owns it. */
export function decideCreate(
  { actor, facts }: Ask,
  change: Extract<GroupChange, { t: 'create' }>,
): Decision | Fault {
  const { name, history } = change;
  const fault = nameFault(name) ?? usersFault(change.members, 'members');
  if (fault !== undefined) return fault;
  const maxMembers = change.maxMembers === 0 ? defaultMaxMembers : change.maxMembers;
  if (!Number.isInteger(maxMembers) || maxMembers < 1 || maxMembers > largestMaxMembers)
    return invalid('max_members', `is not from 1 to ${largestMaxMembers}`);
  if (facts.group !== undefined)
    return new Fault('groupExists', { field: 'group_id', message: 'this group id is taken' });
  const members = [...new Set([actor, ...change.members])];
  if (members.length > maxMembers) return groupFull({ maxMembers });
  return {
    preconditions: [{ t: 'absent' }],
    entries: [{ t: 'groupCreated', group: { name, owner: actor, maxMembers, history }, members }],
  };
}
