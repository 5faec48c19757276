import { z } from 'zod';
import { GroupService, HistoryVisibility } from '../../gen/parley/chat/v1/group_pb.ts';
import { count, id } from './fields.ts';
import { route } from './route.ts';
import { groupJson, groupShape } from './shapes.ts';

export const createGroup = route({
  method: 'POST',
  path: '/api/v1/groups',
  operation: 'createGroup',
  summary: 'Creates a group that you own.',
  idempotent: true,
  body: z.object({
    group_id: id('Absent to have one made.').optional(),
    name: z.string().describe('What to show.'),
    members: z.array(id('A user.')).optional().describe('Members besides yourself.'),
    max_members: count('Absent or 0 means 500.').optional(),
    history: z
      .enum(['all', 'since_join'])
      .optional()
      .describe('What newcomers see; absent means since_join.'),
  }),
  output: z.object({ group_id: z.string(), group: groupShape }),
  async handle(input, { call, clientId }) {
    const answer = await call(GroupService.method.createGroup, {
      groupId: input.group_id ?? '',
      name: input.name,
      members: input.members ?? [],
      maxMembers: input.max_members ?? 0,
      history: input.history === 'all' ? HistoryVisibility.ALL : HistoryVisibility.SINCE_JOIN,
      clientId,
    });
    const group = groupJson(answer.group);
    return { group_id: group.group_id, group };
  },
});
