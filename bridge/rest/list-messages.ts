import { z } from 'zod';
import { MessageService } from '../../gen/parley/chat/v1/message_pb.ts';
import { entryJson, entryShape } from './entry-shape.ts';
import { conversationParams, flagText, numberText } from './fields.ts';
import { route } from './route.ts';

export const listMessages = route({
  method: 'GET',
  path: '/api/v1/conversations/{id}/messages',
  operation: 'listMessages',
  summary:
    'Reads a page of history, in ascending order: the newest page unless told otherwise. Forward, go on behind the last seq, or the `through_seq` of what is hidden.',
  params: conversationParams,
  query: z.object({
    from_seq: numberText(
      'Where the page begins; with backward, where it ends. 0 or absent: start or head.',
    ).optional(),
    limit: numberText('How many entries; 0 means 50.', 0xffff_ffff).optional(),
    backward: flagText(
      'Whether the page ends at from_seq; true when absent and from_seq is, too.',
    ).optional(),
  }),
  output: z.object({
    conv_id: z.string(),
    entries: z.array(entryShape),
    head_seq: z.int(),
    more: z.boolean(),
  }),
  async handle({ id, from_seq, limit, backward }, { call }) {
    const answer = await call(MessageService.method.listMessages, {
      list: {
        convId: id,
        fromSeq: BigInt(from_seq ?? 0),
        limit: limit ?? 0,
        backward: backward ?? from_seq === undefined,
      },
    });
    const page = answer.entries;
    return {
      conv_id: id,
      entries: (page?.entries ?? []).map(entryJson),
      head_seq: Number(page?.headSeq ?? 0n),
      more: page?.more ?? false,
    };
  },
});
