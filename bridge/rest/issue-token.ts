import { z } from 'zod';
import { AdminService } from '../../gen/parley/chat/v1/admin_pb.ts';
import { count, id } from './fields.ts';
import { route } from './route.ts';

export const issueToken = route({
  method: 'POST',
  path: '/api/v1/tokens',
  operation: 'issueToken',
  summary: 'Issues a user token; for service tokens with the scope `tokens`.',
  body: z.object({
    user_id: id('Whose.'),
    ttl_seconds: count('How long it is valid; absent or 0 means a day.').optional(),
  }),
  output: z.object({ token: z.string(), expires_at: z.number().describe('Seconds since 1970.') }),
  async handle({ user_id, ttl_seconds }, { call }) {
    const answer = await call(AdminService.method.issueToken, {
      userId: user_id,
      ttlSeconds: ttl_seconds ?? 0,
    });
    return { token: answer.token, expires_at: Number(answer.expiresAtMs) / 1000 };
  },
});
