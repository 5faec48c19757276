import { z } from 'zod';
import { ConversationService } from '../../gen/parley/chat/v1/conversation_pb.ts';
import { idText } from './fields.ts';
import { route } from './route.ts';
import { conversationJson, conversationShape } from './shapes.ts';

export const getDirect = route({
  method: 'GET',
  path: '/api/v1/direct/{user_id}',
  operation: 'getDirectConversation',
  summary: 'Reads your direct conversation with a user.',
  params: z.object({ user_id: idText('The other user.') }),
  output: z.object({ conversation: conversationShape.optional() }),
  async handle({ user_id }, { call }) {
    const answer = await call(ConversationService.method.getConversation, {
      target: { case: 'peer', value: user_id },
    });
    return { conversation: answer.conversation && conversationJson(answer.conversation) };
  },
});
