import { z } from 'zod';
import { GroupService } from '../../gen/parley/chat/v1/group_pb.ts';
import { memberParams } from './remove-member.ts';
import { roleNames, roleOf } from './roles.ts';
import { route } from './route.ts';
import { changedShape } from './shapes.ts';

export const setRole = route({
  method: 'PUT',
  path: '/api/v1/groups/{id}/members/{user_id}/role',
  operation: 'setRole',
  summary: 'Gives a member another role.',
  idempotent: true,
  params: memberParams,
  body: z.object({ role: z.enum(roleNames) }),
  output: changedShape,
  async handle({ id, user_id, role }, { call, clientId }) {
    const request = { groupId: id, userId: user_id, role: roleOf(role), clientId };
    const answer = await call(GroupService.method.setRole, request);
    return { seq: Number(answer.seq) };
  },
});
