import { GroupService } from '../../gen/parley/chat/v1/group_pb.ts';
import { groupParams } from './fields.ts';
import { route } from './route.ts';
import { changedShape } from './shapes.ts';

export const leaveGroup = route({
  method: 'POST',
  path: '/api/v1/groups/{id}/leave',
  operation: 'leaveGroup',
  summary: 'Leaves a group.',
  idempotent: true,
  params: groupParams,
  output: changedShape,
  async handle({ id }, { call, clientId }) {
    const answer = await call(GroupService.method.leaveGroup, { groupId: id, clientId });
    return { seq: Number(answer.seq) };
  },
});
