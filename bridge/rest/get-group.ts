import { z } from 'zod';
import { GroupService } from '../../gen/parley/chat/v1/group_pb.ts';
import { groupParams } from './fields.ts';
import { route } from './route.ts';
import { groupJson, groupShape } from './shapes.ts';

export const getGroup = route({
  method: 'GET',
  path: '/api/v1/groups/{id}',
  operation: 'getGroup',
  summary: 'Reads a group that you are in.',
  params: groupParams,
  output: z.object({ group: groupShape }),
  async handle({ id }, { call }) {
    const answer = await call(GroupService.method.getGroup, { groupId: id });
    return { group: groupJson(answer.group) };
  },
});
