import { z } from 'zod';
import { PresenceService } from '../../gen/parley/chat/v1/presence_pb.ts';
import { route } from './route.ts';

export const isOnline = route({
  method: 'POST',
  path: '/api/v1/presence/sessions',
  operation: 'isOnline',
  summary: 'Reads from the directory whether users are connected to any node; for service tokens.',
  body: z.object({ user_ids: z.array(z.string()).describe('At most 500.') }),
  output: z.object({
    users: z.array(z.object({ user_id: z.string(), online: z.boolean(), sessions: z.number() })),
  }),
  async handle({ user_ids }, { call }) {
    const { users } = await call(PresenceService.method.isOnline, { userIds: user_ids });
    return { users: users.map(({ userId, online, sessions }) => ({ user_id: userId, online, sessions })) };
  },
});
