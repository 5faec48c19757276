import { Role } from '../../gen/parley/chat/v1/entry_pb.ts';

export const roleNames = ['member', 'admin', 'owner'] as const;
export type RoleName = (typeof roleNames)[number];

const roles: Record<RoleName, Role> = { member: Role.MEMBER, admin: Role.ADMIN, owner: Role.OWNER };

export function roleOf(name: RoleName): Role {
  return roles[name];
}

export function roleName(role: Role): RoleName | undefined {
  return roleNames.find((name) => roles[name] === role);
}
