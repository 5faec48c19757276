import { z } from 'zod';
import { MessageService } from '../../gen/parley/chat/v1/message_pb.ts';
import { entryJson, entryShape } from './entry-shape.ts';
import { idText, numberText } from './fields.ts';
import { route } from './route.ts';

export const entryParams = z.object({
  id: idText('The conversation.'),
  seq: numberText('The place in its log.'),
});

export const getMessage = route({
  method: 'GET',
  path: '/api/v1/conversations/{id}/messages/{seq}',
  operation: 'getMessage',
  summary: 'Reads one entry.',
  params: entryParams,
  output: z.object({ entry: entryShape.optional() }),
  async handle({ id, seq }, { call }) {
    const answer = await call(MessageService.method.getMessage, { get: { convId: id, seq: BigInt(seq) } });
    return { entry: answer.entry && entryJson(answer.entry) };
  },
});
