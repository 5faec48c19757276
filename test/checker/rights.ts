import type { Findings } from './finding.ts';
import type { IndexedEvidence } from './indexed.ts';
import type { Role, SeenEntry } from './log.ts';
import { Membership } from './membership.ts';

const rank: Readonly<Record<Role, number>> = { member: 1, admin: 2, owner: 3 };

/** Nothing stands in a log that the rules forbade at that place: the log itself says who could do what, when. */
export function rulesHold({ store, conversations, services }: IndexedEvidence, findings: Findings): void {
  for (const { convId, direct, entries } of store) {
    const members = new Membership(direct);
    const bySeq = conversations.get(convId)?.bySeq;
    for (const entry of [...entries].sort((one, other) => one.seq - other.seq)) {
      const target = entry.content.t === 'recall' ? bySeq?.get(entry.content.targetSeq) : undefined;
      const why = services?.has(entry.sender) ? undefined : forbidden(entry, members, target);
      if (why !== undefined)
        findings.add('rulesHold', `${entry.seq} of ${convId}, by ${entry.sender}, ${why}`);
      members.apply(entry);
    }
  }
}

/** Why an entry may not stand where it stands; undefined when it may. */
function forbidden(
  { content, sender, seq }: SeenEntry,
  members: Membership,
  target: SeenEntry | undefined,
): string | undefined {
  const role = members.role(sender);
  const may = role === undefined ? 0 : rank[role];
  switch (content.t) {
    case 'groupCreated':
      return seq === 1 ? undefined : 'creates a group that is there';
    case 'membersAdded':
      // Open groups are joined by whoever names them.
      if (content.users.every((user) => user === sender)) return undefined;
      return may >= rank.admin ? undefined : 'adds members without the right to';
    case 'groupRenamed':
      return may >= rank.admin ? undefined : 'renames the group without the right to';
    case 'roleChanged':
      return may === rank.owner ? undefined : 'gives a role without the right to';
    case 'memberRemoved': {
      if (content.user === sender) return role === undefined ? 'leaves without being in' : undefined;
      const other = members.role(content.user);
      if (other === undefined) return `removes ${content.user}, who is not in`;
      return may > rank[other] ? undefined : `removes ${content.user} without the right to`;
    }
    case 'recall':
      if (role === undefined) return 'recalls without being a member';
      return target?.sender === sender || may >= rank.admin ? undefined : 'recalls what others wrote';
    case 'message':
    case 'recalled':
      return role === undefined ? 'writes without being a member' : undefined;
    case 'hidden':
      return 'hides something in the store';
  }
}
