import type { Role } from '../gen/parley/chat/v1/entry_pb.ts';
import { type Group, GroupService, type Member } from '../gen/parley/chat/v1/group_pb.ts';
import { ChatError, type GroupActions } from './types.ts';
import { askBy, type UnaryCall } from './unary-call.ts';
import { uniqueId } from './unique-id.ts';

/** The group calls. Each draws one client id, so that a repeated call changes nothing twice. */
export function groupActions(call: UnaryCall): GroupActions {
  const { method } = GroupService;
  const ask = askBy(call);

  return {
    async create(name, members, groupId = `g-${uniqueId()}`): Promise<Group> {
      const init = { name, members: [...members], groupId, clientId: uniqueId() };
      return required((await ask(method.createGroup, init)).group);
    },
    async get(groupId): Promise<Group> {
      return required((await ask(method.getGroup, { groupId })).group);
    },
    async rename(groupId, name): Promise<void> {
      await ask(method.renameGroup, { groupId, name, clientId: uniqueId() });
    },
    async add(groupId, users): Promise<void> {
      await ask(method.addMembers, { groupId, users: [...users], clientId: uniqueId() });
    },
    async remove(groupId, user): Promise<void> {
      await ask(method.removeMember, { groupId, userId: user, clientId: uniqueId() });
    },
    async leave(groupId): Promise<void> {
      await ask(method.leaveGroup, { groupId, clientId: uniqueId() });
    },
    async setRole(groupId, user, role: Role): Promise<void> {
      await ask(method.setRole, { groupId, userId: user, role, clientId: uniqueId() });
    },
    async *members(groupId): AsyncIterable<Member> {
      let pageToken = '';
      do {
        const page = await ask(method.listMembers, { groupId, pageSize: 200, pageToken });
        yield* page.members;
        pageToken = page.nextPageToken;
      } while (pageToken !== '');
    },
  };
}

function required(group: Group | undefined): Group {
  if (group === undefined) throw new ChatError('internal', 'the answer names no group', 'here');
  return group;
}
