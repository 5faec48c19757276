import { z } from 'zod';
import { AdminService } from '../../gen/parley/chat/v1/admin_pb.ts';
import { id } from './fields.ts';
import { route } from './route.ts';

/** The year 9999: what is later does not fit the contract's milliseconds for ever. */
const endOfTime = 253_402_300_799;

export const revokeTokens = route({
  method: 'POST',
  path: '/api/v1/tokens/revoke',
  operation: 'revokeTokens',
  summary: 'Revokes the tokens that a user was issued so far; for service tokens with the scope `tokens`.',
  body: z.object({
    user_id: id('Whose.'),
    device_id: z
      .string()
      .optional()
      .describe('The only device to shut out; absent or empty means all of them.'),
    ends_at: z
      .number()
      .min(0)
      .max(endOfTime)
      .optional()
      .describe('When it may be forgotten, in seconds since 1970; absent means as long as a token can live.'),
  }),
  output: z.object({
    issued_until: z.number().describe('Tokens issued up to then are revoked; seconds since 1970.'),
    ends_at: z.number().describe('Seconds since 1970.'),
  }),
  async handle({ user_id, device_id, ends_at }, { call }) {
    const answer = await call(AdminService.method.revokeTokens, {
      userId: user_id,
      deviceId: device_id ?? '',
      endsAtMs: BigInt(Math.round((ends_at ?? 0) * 1000)),
    });
    return {
      issued_until: Number(answer.issuedUntilMs) / 1000,
      ends_at: Number(answer.endsAtMs) / 1000,
    };
  },
});
