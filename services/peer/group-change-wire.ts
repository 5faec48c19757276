import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  type GroupChange as WireGroupChange,
  type GroupChangeSchema,
  LogVisibility,
  MemberRole,
} from '../../gen/parley/node/v1/link_pb.ts';
import type { UserId } from '../core/ids.ts';
import type { HistoryVisibility, Role } from '../ports/message-store.ts';
import type { GroupChange } from './edge-frames.ts';
import { malformed } from './malformed.ts';

const roles: Record<Role, MemberRole> = {
  member: MemberRole.MEMBER,
  admin: MemberRole.ADMIN,
  owner: MemberRole.OWNER,
};

export function wireRole(role: Role | undefined): MemberRole {
  return role === undefined ? MemberRole.UNSPECIFIED : roles[role];
}

/** Undefined for one who is not a member. */
export function optionalRole(role: MemberRole): Role | undefined {
  switch (role) {
    case MemberRole.MEMBER:
      return 'member';
    case MemberRole.ADMIN:
      return 'admin';
    case MemberRole.OWNER:
      return 'owner';
    default:
      return undefined;
  }
}

export function roleOf(role: MemberRole): Role {
  return optionalRole(role) ?? malformed('a role');
}

export function wireVisibility(history: HistoryVisibility): LogVisibility {
  return history === 'all' ? LogVisibility.ALL : LogVisibility.SINCE_JOIN;
}

export function visibilityOf(history: LogVisibility): HistoryVisibility {
  return history === LogVisibility.ALL ? 'all' : 'sinceJoin';
}

export const userIds = (users: readonly string[]): UserId[] => users as UserId[];

export function wireChange(change: GroupChange): MessageInitShape<typeof GroupChangeSchema> {
  switch (change.t) {
    case 'create': {
      const { name, members, maxMembers, history } = change;
      const value = { name, members: [...members], maxMembers, history: wireVisibility(history) };
      return { change: { case: 'create', value } };
    }
    case 'ensure':
      return { change: { case: 'ensure', value: {} } };
    case 'rename':
      return { change: { case: 'rename', value: { name: change.name } } };
    case 'add':
      return { change: { case: 'add', value: { users: [...change.users] } } };
    case 'remove':
      return { change: { case: 'remove', value: { user: change.user } } };
    case 'leave':
      return { change: { case: 'leave', value: {} } };
    case 'expel':
      return { change: { case: 'expel', value: { user: change.user } } };
    case 'setRole':
      return { change: { case: 'setRole', value: { user: change.user, role: wireRole(change.role) } } };
  }
}

export function changeOf(wire: WireGroupChange | undefined): GroupChange {
  const change = wire?.change;
  switch (change?.case) {
    case 'create': {
      const { name, members, maxMembers, history } = change.value;
      return { t: 'create', name, members: userIds(members), maxMembers, history: visibilityOf(history) };
    }
    case 'ensure':
      return { t: 'ensure' };
    case 'rename':
      return { t: 'rename', name: change.value.name };
    case 'add':
      return { t: 'add', users: userIds(change.value.users) };
    case 'remove':
      return { t: 'remove', user: change.value.user as UserId };
    case 'leave':
      return { t: 'leave' };
    case 'setRole':
      return { t: 'setRole', user: change.value.user as UserId, role: roleOf(change.value.role) };
    case 'expel':
      return { t: 'expel', user: change.value.user as UserId };
    case undefined:
      return malformed('a change of a group');
  }
}
