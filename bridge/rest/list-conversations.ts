import { z } from 'zod';
import { ConversationService } from '../../gen/parley/chat/v1/conversation_pb.ts';
import { page } from './fields.ts';
import { route } from './route.ts';
import { conversationJson, conversationShape } from './shapes.ts';

export const listConversations = route({
  method: 'GET',
  path: '/api/v1/conversations',
  operation: 'listConversations',
  summary: 'Lists your conversations in the order of their ids.',
  query: z.object(page),
  output: z.object({ conversations: z.array(conversationShape), next_page_token: z.string() }),
  async handle({ page_size, page_token }, { call }) {
    const answer = await call(ConversationService.method.listConversations, {
      pageSize: page_size ?? 0,
      pageToken: page_token ?? '',
    });
    return {
      conversations: answer.conversations.map(conversationJson),
      next_page_token: answer.nextPageToken,
    };
  },
});
