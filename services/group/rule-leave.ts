import { Fault } from '../core/fault.ts';
import type { Decision } from '../peer/group-frames.ts';
import { type Ask, standing } from './standing.ts';

/** Members may leave; the owner hands the group on first, unless nobody else is in it. */
export function decideLeave(ask: Ask): Decision | Fault {
  const actor = standing(ask, 'member');
  if (actor instanceof Fault) return actor;
  const entries: Decision['entries'] = [{ t: 'memberRemoved', user: ask.actor, left: true }];
  if (actor.role !== 'owner') return { preconditions: actor.preconditions, entries };
  if (ask.facts.memberCount > 1)
    return new Fault('ownerMustHandOver', { message: 'make another member the owner before leaving' });
  return { preconditions: [...actor.preconditions, { t: 'alone' }], entries };
}
