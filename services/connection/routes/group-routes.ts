import { HistoryVisibility } from '../../../gen/parley/chat/v1/group_pb.ts';
import type { GroupService } from '../../../gen/parley/chat/v1/group_pb.ts';
import { Fault } from '../../core/fault.ts';
import type { ConvId, UserId } from '../../core/ids.ts';
import type { GroupChange } from '../../peer/edge-frames.ts';
import { requireScope } from '../auth.ts';
import * as check from '../check.ts';
import { cost } from '../command-cost.ts';
import { groupOf, roleFrom, roleOf } from '../wire.ts';
import type { RouteContext, Routes } from './route.ts';

const maxMembersPage = 1_000;
const maxUsersACall = 1_000;

export const groupRoutes: Routes<typeof GroupService> = {
  async createGroup(request, context) {
    if (context.caller.kind === 'bot') requireScope(context.caller, 'groups');
    context.spend(request.members.length * cost.member);
    const groupId = request.groupId === '' ? await madeId(context, request.clientId) : request.groupId;
    const { group } = await change(context, groupId, request.clientId, {
      t: 'create',
      name: request.name,
      members: users(request.members, 'members').filter((user) => user !== context.caller.userId),
      maxMembers: request.maxMembers === 0 ? 500 : request.maxMembers,
      history: request.history === HistoryVisibility.ALL ? 'all' : 'sinceJoin',
    });
    // Of a call that is repeated once its user has left, the id alone.
    return { group: group === undefined ? { groupId } : groupOf(group) };
  },

  async getGroup(request, context) {
    const groupId = check.groupId(request.groupId, 'group_id');
    const { group } = await context.ask({ t: 'getGroup', groupId }, 'group');
    return { group: groupOf(group) };
  },

  async renameGroup(request, context) {
    return answer(
      await change(context, request.groupId, request.clientId, { t: 'rename', name: request.name }),
    );
  },

  async addMembers(request, context) {
    context.spend(request.users.length * cost.member);
    const added = users(request.users, 'users');
    if (added.length === 0)
      throw new Fault('invalidField', { message: 'at least one user is needed', field: 'users' });
    return answer(await change(context, request.groupId, request.clientId, { t: 'add', users: added }));
  },

  async removeMember(request, context) {
    const user = check.userId(request.userId, 'user_id');
    return answer(await change(context, request.groupId, request.clientId, { t: 'remove', user }));
  },

  async leaveGroup(request, context) {
    return answer(await change(context, request.groupId, request.clientId, { t: 'leave' }));
  },

  async setRole(request, context) {
    const user = check.userId(request.userId, 'user_id');
    const role = roleFrom(request.role);
    if (role === undefined) throw new Fault('invalidField', { message: 'a role is needed', field: 'role' });
    return answer(await change(context, request.groupId, request.clientId, { t: 'setRole', user, role }));
  },

  async listMembers(request, context) {
    const groupId = check.groupId(request.groupId, 'group_id');
    const limit = check.pageSize(request.pageSize, 100, maxMembersPage, 'page_size');
    const after = request.pageToken === '' ? undefined : check.userId(request.pageToken, 'page_token');
    const { members, next } = await context.ask({ t: 'members', groupId, after, limit }, 'members');
    return {
      members: members.map((member) => ({
        userId: member.userId,
        role: roleOf(member.role),
        joinedSeq: BigInt(member.joinedSeq),
        deliveredSeq: BigInt(member.deliveredSeq),
        readSeq: BigInt(member.readSeq),
      })),
      nextPageToken: next ?? '',
    };
  },
};

function change(context: RouteContext, groupId: string, clientId: string, what: GroupChange) {
  const checked = {
    groupId: check.groupId(groupId, 'group_id'),
    clientId: check.clientId(clientId, 'client_id'),
  };
  return context.ask({ t: 'group', ...checked, change: what }, 'groupChanged');
}

function answer({ seq }: { readonly seq: number }) {
  return { seq: BigInt(seq) };
}

function users(names: readonly string[], field: string): UserId[] {
  check.atMost(names.length, maxUsersACall, field);
  return [...new Set(names)].map((name, index) => check.userId(name, `${field}[${index}]`));
}

/** A retry has to come to the same group. */
async function madeId(context: RouteContext, clientId: string): Promise<ConvId> {
  const op = { t: 'groupId', clientId: check.clientId(clientId, 'client_id') } as const;
  return (await context.ask(op, 'place')).convId;
}
