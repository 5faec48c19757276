import { z } from 'zod';
import { GroupService } from '../../gen/parley/chat/v1/group_pb.ts';
import { groupParams } from './fields.ts';
import { route } from './route.ts';
import { changedShape } from './shapes.ts';

export const renameGroup = route({
  method: 'PATCH',
  path: '/api/v1/groups/{id}',
  operation: 'renameGroup',
  summary: 'Renames a group.',
  idempotent: true,
  params: groupParams,
  body: z.object({ name: z.string().describe('The new name.') }),
  output: changedShape,
  async handle({ id, name }, { call, clientId }) {
    const answer = await call(GroupService.method.renameGroup, { groupId: id, name, clientId });
    return { seq: Number(answer.seq) };
  },
});
