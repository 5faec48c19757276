import { z } from 'zod';
import { GroupService } from '../../gen/parley/chat/v1/group_pb.ts';
import { idText } from './fields.ts';
import { route } from './route.ts';
import { changedShape } from './shapes.ts';

export const memberParams = z.object({ id: idText('The group.'), user_id: idText('The member.') });

export const removeMember = route({
  method: 'DELETE',
  path: '/api/v1/groups/{id}/members/{user_id}',
  operation: 'removeMember',
  summary: 'Removes a member.',
  idempotent: true,
  params: memberParams,
  output: changedShape,
  async handle({ id, user_id }, { call, clientId }) {
    const answer = await call(GroupService.method.removeMember, { groupId: id, userId: user_id, clientId });
    return { seq: Number(answer.seq) };
  },
});
