import { Fault } from '../core/fault.ts';
import type { GroupChange } from '../peer/edge-frames.ts';
import type { EntryKind } from '../ports/message-store.ts';
import type { Intent } from './submission.ts';

/** Which entry tells that a change of a group was made: its first one. */
const entriesOfChanges: Readonly<Record<GroupChange['t'], readonly EntryKind[]>> = {
  create: ['groupCreated'],
  ensure: ['groupCreated', 'membersAdded'],
  rename: ['groupRenamed'],
  add: ['membersAdded'],
  remove: ['memberRemoved'],
  expel: ['memberRemoved'],
  leave: ['memberRemoved'],
  setRole: ['roleChanged'],
};

/** The kind of the first entry that a command makes; undefined where it makes none. */
export function firstEntryOf(intent: Intent): EntryKind | undefined {
  switch (intent.t) {
    case 'send':
      return 'message';
    case 'recall':
      return 'recall';
    case 'decision':
      return intent.decision.entries[0]?.t;
    case 'recheck':
      return undefined;
  }
}

/** Whether a change of a group may have made an entry of this kind. */
export function isMadeBy(change: GroupChange, kind: EntryKind): boolean {
  return entriesOfChanges[change.t].includes(kind);
}

/** The answer of another command would say that this one was carried out. */
export function reusedFault(): Fault {
  return new Fault('clientIdReused', {
    message: 'this client id belongs to another command',
    field: 'client_id',
  });
}
