import { Fault } from '../core/fault.ts';
import type { GroupChange } from '../peer/edge-frames.ts';
import type { Decision } from '../peer/group-frames.ts';
import { nameFault } from './limits.ts';
import { type Ask, standing } from './standing.ts';

/** The owner and admins may rename a group. */
export function decideRename(ask: Ask, { name }: Extract<GroupChange, { t: 'rename' }>): Decision | Fault {
  const fault = nameFault(name);
  if (fault !== undefined) return fault;
  const actor = standing(ask, 'admin');
  if (actor instanceof Fault) return actor;
  return { preconditions: actor.preconditions, entries: [{ t: 'groupRenamed', name }] };
}
