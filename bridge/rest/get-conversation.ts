import { z } from 'zod';
import { ConversationService } from '../../gen/parley/chat/v1/conversation_pb.ts';
import { conversationParams } from './fields.ts';
import { route } from './route.ts';
import { conversationJson, conversationShape } from './shapes.ts';

export const getConversation = route({
  method: 'GET',
  path: '/api/v1/conversations/{id}',
  operation: 'getConversation',
  summary: 'Reads one of your conversations.',
  params: conversationParams,
  output: z.object({ conversation: conversationShape.optional() }),
  async handle({ id }, { call }) {
    const answer = await call(ConversationService.method.getConversation, {
      target: { case: 'convId', value: id },
    });
    return { conversation: answer.conversation && conversationJson(answer.conversation) };
  },
});
