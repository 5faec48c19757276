import { z } from 'zod';
import { PresenceService } from '../../gen/parley/chat/v1/presence_pb.ts';
import { route } from './route.ts';

export const getPresence = route({
  method: 'POST',
  path: '/api/v1/presence',
  operation: 'getPresence',
  summary: 'Reads who is online. A POST, since the list may be long.',
  body: z.object({ user_ids: z.array(z.string()).describe('At most 500.') }),
  output: z.object({
    users: z.array(
      z.object({
        user_id: z.string(),
        online: z.boolean(),
        last_seen: z.number().optional().describe('Seconds since 1970; absent when unknown or online.'),
      }),
    ),
  }),
  async handle({ user_ids }, { call }) {
    const answer = await call(PresenceService.method.getPresence, { userIds: user_ids });
    const users = answer.users.map(({ userId, online, lastSeenAtMs }) => ({
      user_id: userId,
      online,
      last_seen: lastSeenAtMs === 0n ? undefined : Number(lastSeenAtMs) / 1000,
    }));
    return { users };
  },
});
