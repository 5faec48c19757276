import type { Fault } from '../core/fault.ts';
import type { ConvId, UserId } from '../core/ids.ts';
import type { GroupChange } from '../peer/edge-frames.ts';
import type { Decision, GroupFacts } from '../peer/group-frames.ts';
import { groupIdFault } from './limits.ts';
import { decideAdd } from './rule-add.ts';
import { decideCreate } from './rule-create.ts';
import { decideEnsure } from './rule-ensure.ts';
import { decideExpel } from './rule-expel.ts';
import { decideLeave } from './rule-leave.ts';
import { decideRemove } from './rule-remove.ts';
import { decideRename } from './rule-rename.ts';
import { decideSetRole } from './rule-set-role.ts';

/**
 * What a change of a group comes to, given the facts: entries with the preconditions under which they are right, or the
 * refusal. Pure. As long as every precondition holds when the entries are committed, a group with members has exactly
 * one owner and never more than maxMembers.
 */
export function decide(
  groupId: ConvId,
  actor: UserId,
  change: GroupChange,
  facts: GroupFacts,
): Decision | Fault {
  const fault = groupIdFault(groupId);
  if (fault !== undefined) return fault;
  const ask = { groupId, actor, facts };
  switch (change.t) {
    case 'create':
      return decideCreate(ask, change);
    case 'ensure':
      return decideEnsure(ask);
    case 'rename':
      return decideRename(ask, change);
    case 'add':
      return decideAdd(ask, change);
    case 'remove':
      return decideRemove(ask, change);
    case 'expel':
      return decideExpel(ask, change);
    case 'leave':
      return decideLeave(ask);
    case 'setRole':
      return decideSetRole(ask, change);
  }
}
