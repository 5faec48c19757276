import type { Role } from '../ports/message-store.ts';

const rank: Record<Role, number> = { member: 1, admin: 2, owner: 3 };

/** Whether one role stands above another; somebody who left has none. */
export function outranks(role: Role, other: Role | undefined): boolean {
  return rank[role] > 1 && rank[role] > (other === undefined ? 0 : rank[other]);
}
