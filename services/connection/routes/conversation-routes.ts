import type { ConversationService } from '../../../gen/parley/chat/v1/conversation_pb.ts';
import { directConvId } from '../../core/conv-id.ts';
import { Fault } from '../../core/fault.ts';
import { ConversationKind } from '../../../gen/parley/chat/v1/entry_pb.ts';
import * as check from '../check.ts';
import { conversationOf } from '../wire.ts';
import type { Routes } from './route.ts';

const maxPage = 200;

export const conversationRoutes: Routes<typeof ConversationService> = {
  async listConversations(request, context) {
    const limit = check.pageSize(request.pageSize, 50, maxPage, 'page_size');
    const after = request.pageToken === '' ? undefined : check.convId(request.pageToken, 'page_token');
    const { conversations, next } = await context.ask({ t: 'conversations', after, limit }, 'conversations');
    return { conversations: conversations.map(conversationOf), nextPageToken: next ?? '' };
  },

  async getConversation({ target }, context) {
    if (target.case === 'peer') {
      const peer = check.userId(target.value, 'peer');
      const convId = directConvId(context.caller.userId, peer);
      try {
        const { conversations } = await context.ask({ t: 'conversation', convId, peer }, 'conversations');
        const [view] = conversations;
        if (view !== undefined) return { conversation: conversationOf(view) };
      } catch (error) {
        if (!(error instanceof Fault && error.reason === 'conversationNotFound')) throw error;
      }
      // It comes into being with its first message; its id is known before.
      return { conversation: { convId, peer, kind: ConversationKind.DIRECT } };
    }
    const convId = check.convId(target.case === 'convId' ? target.value : '', 'conv_id');
    const { conversations } = await context.ask(
      { t: 'conversation', convId, peer: undefined },
      'conversations',
    );
    const [view] = conversations;
    if (view === undefined)
      throw new Fault('conversationNotFound', { message: 'there is no such conversation' });
    return { conversation: conversationOf(view) };
  },

  async markRead(request, context) {
    const convId = check.convId(request.convId, 'conv_id');
    const seq = check.seqFrom1(request.seq, 'seq');
    const { readSeq } = await context.ask({ t: 'read', convId, seq }, 'read');
    return { readSeq: BigInt(readSeq) };
  },
};
