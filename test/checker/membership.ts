import type { Role, SeenEntry, StoredConversation } from './log.ts';

/** Who is in a conversation at some point of its log. */
export class Membership {
  readonly #roles = new Map<string, Role>();

  constructor(direct: StoredConversation['direct']) {
    for (const user of direct ?? []) this.#roles.set(user, 'member');
  }

  role(user: string): Role | undefined {
    return this.#roles.get(user);
  }

  get users(): Iterable<string> {
    return this.#roles.keys();
  }

  get empty(): boolean {
    return this.#roles.size === 0;
  }

  apply({ content, sender }: SeenEntry): void {
    switch (content.t) {
      case 'groupCreated':
        content.members.forEach((user, i) => this.#roles.set(user, i === 0 ? 'owner' : 'member'));
        return;
      case 'membersAdded':
        for (const user of content.users) this.#roles.set(user, this.empty ? 'owner' : 'member');
        return;
      case 'memberRemoved':
        this.#roles.delete(content.user);
        return;
      case 'roleChanged':
        if (content.role === 'owner' && this.#roles.get(sender) === 'owner') this.#roles.set(sender, 'admin');
        this.#roles.set(content.user, content.role);
        return;
      default:
        return;
    }
  }
}

/** The seqs that are a user's: from joining to leaving, the last stay counting. */
export interface Stay {
  readonly from: number;
  /** Undefined while the user is in. */
  readonly to: number | undefined;
}

/** Each user's last stay. */
export function lastStays({ direct, entries }: StoredConversation): Map<string, Stay> {
  const stays = new Map<string, Stay>();
  for (const user of direct ?? []) stays.set(user, { from: 1, to: undefined });
  for (const { seq, content } of [...entries].sort((one, other) => one.seq - other.seq)) {
    const joined =
      content.t === 'groupCreated' ? content.members : content.t === 'membersAdded' ? content.users : [];
    for (const user of joined) stays.set(user, { from: seq, to: undefined });
    if (content.t === 'memberRemoved')
      stays.set(content.user, { from: stays.get(content.user)?.from ?? seq, to: seq });
  }
  return stays;
}
