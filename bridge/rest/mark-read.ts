import { z } from 'zod';
import { ConversationService } from '../../gen/parley/chat/v1/conversation_pb.ts';
import { conversationParams, seq } from './fields.ts';
import { route } from './route.ts';

export const markRead = route({
  method: 'POST',
  path: '/api/v1/conversations/{id}/read',
  operation: 'markRead',
  summary: 'Marks a conversation as read up to an entry. Never goes back.',
  params: conversationParams,
  body: z.object({ seq: seq('All entries up to this one.') }),
  output: z.object({ read_seq: z.int() }),
  async handle(input, { call }) {
    const answer = await call(ConversationService.method.markRead, {
      convId: input.id,
      seq: BigInt(input.seq),
    });
    return { read_seq: Number(answer.readSeq) };
  },
});
