import type { UserId } from '../core/ids.ts';
import type { GroupEntry, Precondition } from '../peer/group-frames.ts';
import { groupContent } from './contents.ts';
import type { Draft } from './draft.ts';
import type { Intent, Settlement, Submission } from './submission.ts';

/** A change of a group that a group node decided: committed as it stands, or not at all. */
export function applyDecision(
  draft: Draft,
  { sender, clientKey }: Submission,
  { decision, clientId }: Extract<Intent, { t: 'decision' }>,
): Settlement {
  if (!decision.preconditions.every((precondition) => holds(draft, precondition))) return { t: 'stale' };
  let settlement: Settlement = { t: 'committed', seq: 0, msgId: 0n, createdAtMs: 0, duplicate: false };
  for (const [index, change] of decision.entries.entries()) {
    applyChange(draft, change);
    // One command, one client key: further entries of the same decision are told by the first.
    const entry = draft.append(
      change.t,
      sender,
      groupContent(clientId, change),
      index === 0 ? clientKey : undefined,
    );
    if (index === 0) {
      const { seq, msgId, createdAtMs } = entry;
      settlement = { t: 'committed', seq, msgId, createdAtMs, duplicate: false };
    }
  }
  return settlement;
}

function holds(draft: Draft, precondition: Precondition): boolean {
  switch (precondition.t) {
    case 'absent':
      return !draft.exists;
    case 'exists':
      return draft.kind === 'group';
    case 'role':
      return draft.present(precondition.user)?.role === precondition.role;
    case 'room':
      return (
        draft.group !== undefined && draft.group.memberCount + precondition.room <= draft.group.maxMembers
      );
    case 'alone':
      return draft.group?.memberCount === 1;
  }
}

function applyChange(draft: Draft, change: GroupEntry): void {
  if (change.t === 'groupCreated') {
    draft.begin('group');
    for (const user of change.members) draft.join(user, user === change.group.owner ? 'owner' : 'member');
    draft.setGroup({ ...change.group, memberCount: change.members.length, version: 1 });
    return;
  }
  const group = draft.group;
  if (group === undefined) throw new Error('a decision about a group that exists has its row');
  const next = { ...group, version: group.version + 1 };
  switch (change.t) {
    case 'groupRenamed':
      draft.setGroup({ ...next, name: change.name });
      return;
    case 'membersAdded':
      for (const user of change.users) draft.join(user, 'member');
      draft.setGroup({ ...next, memberCount: next.memberCount + change.users.length });
      return;
    case 'memberRemoved': {
      draft.part(memberOf(draft, change.user));
      const owner = next.owner === change.user ? '' : next.owner;
      draft.setGroup({ ...next, owner, memberCount: next.memberCount - 1 });
      return;
    }
    case 'roleChanged':
      draft.setRole(memberOf(draft, change.user), change.role);
      draft.setGroup(change.role === 'owner' ? { ...next, owner: change.user } : next);
  }
}

function memberOf(draft: Draft, user: UserId) {
  const row = draft.present(user);
  if (row === undefined) throw new Error('the preconditions of a change name its member');
  return row;
}
