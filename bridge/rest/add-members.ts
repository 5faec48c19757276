import { z } from 'zod';
import { GroupService } from '../../gen/parley/chat/v1/group_pb.ts';
import { groupParams, id } from './fields.ts';
import { route } from './route.ts';
import { changedShape } from './shapes.ts';

export const addMembers = route({
  method: 'POST',
  path: '/api/v1/groups/{id}/members',
  operation: 'addMembers',
  summary: 'Adds members, all or none.',
  idempotent: true,
  params: groupParams,
  body: z.object({ users: z.array(id('A user.')).describe('Who joins.') }),
  output: changedShape,
  async handle(input, { call, clientId }) {
    const answer = await call(GroupService.method.addMembers, {
      groupId: input.id,
      users: input.users,
      clientId,
    });
    return { seq: Number(answer.seq) };
  },
});
