import assert from 'node:assert/strict';
import type { UserId } from '../../core/ids.ts';
import type { GroupChange } from '../../peer/edge-frames.ts';
import type { Decision, GroupEntry, GroupFacts, Precondition } from '../../peer/group-frames.ts';
import type { GroupRow, Role } from '../../ports/message-store.ts';

/** For tests: one group as its conversation's owner keeps it, in the plainest form. */
export class GroupModel {
  row: Pick<GroupRow, 'name' | 'owner' | 'maxMembers' | 'history'> | undefined;
  readonly members = new Map<UserId, Role>();
  readonly #ever = new Set<UserId>();

  factsFor(actor: UserId, change: GroupChange): GroupFacts {
    for (const user of this.members.keys()) this.#ever.add(user);
    const knownCount = new Set([...this.#ever, ...namedBy(change)]).size;
    const roles = new Map([actor, ...namedBy(change)].map((user) => [user, this.members.get(user)]));
    const memberCount = this.members.size;
    const group = this.row === undefined ? undefined : { ...this.row, memberCount, version: 1 };
    return { group, memberCount, knownCount, roles };
  }

  /** Whether the decision was committed: not when a precondition no longer holds. */
  commit({ preconditions, entries }: Decision): boolean {
    if (!preconditions.every((precondition) => this.#holds(precondition))) return false;
    for (const entry of entries) this.#apply(entry);
    return true;
  }

  #holds(precondition: Precondition): boolean {
    switch (precondition.t) {
      case 'absent':
        return this.row === undefined;
      case 'exists':
        return this.row !== undefined;
      case 'role':
        return this.members.get(precondition.user) === precondition.role;
      case 'room':
        return this.row !== undefined && this.members.size + precondition.room <= this.row.maxMembers;
      case 'alone':
        return this.members.size === 1;
    }
  }

  #apply(entry: GroupEntry): void {
    switch (entry.t) {
      case 'groupCreated':
        this.row = entry.group;
        for (const user of entry.members)
          this.members.set(user, user === entry.group.owner ? 'owner' : 'member');
        break;
      case 'groupRenamed':
        this.row = { ...this.row!, name: entry.name };
        break;
      case 'membersAdded':
        for (const user of entry.users) {
          assert.ok(!this.members.has(user), 'nobody joins twice');
          this.members.set(user, 'member');
        }
        break;
      case 'memberRemoved':
        if (this.row!.owner === entry.user) this.row = { ...this.row!, owner: '' };
        assert.ok(this.members.delete(entry.user), 'only members go');
        break;
      case 'roleChanged':
        if (entry.role === 'owner') this.row = { ...this.row!, owner: entry.user };
        assert.ok(this.members.has(entry.user), 'only members have roles');
        this.members.set(entry.user, entry.role);
        break;
    }
  }
}

function namedBy(change: GroupChange): readonly UserId[] {
  if (change.t === 'create') return change.members;
  if (change.t === 'add') return change.users;
  return change.t === 'remove' || change.t === 'expel' || change.t === 'setRole' ? [change.user] : [];
}
