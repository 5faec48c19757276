import { z } from 'zod';
import { GroupService } from '../../gen/parley/chat/v1/group_pb.ts';
import { groupParams, page } from './fields.ts';
import { route } from './route.ts';
import { memberJson, memberShape } from './shapes.ts';

export const listMembers = route({
  method: 'GET',
  path: '/api/v1/groups/{id}/members',
  operation: 'listMembers',
  summary: 'Lists the members of a group in the order of their ids.',
  params: groupParams,
  query: z.object(page),
  output: z.object({ members: z.array(memberShape), next_page_token: z.string() }),
  async handle({ id, page_size, page_token }, { call }) {
    const answer = await call(GroupService.method.listMembers, {
      groupId: id,
      pageSize: page_size ?? 0,
      pageToken: page_token ?? '',
    });
    return { members: answer.members.map(memberJson), next_page_token: answer.nextPageToken };
  },
});
