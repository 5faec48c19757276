import { z } from 'zod';
import { MessageService } from '../../gen/parley/chat/v1/message_pb.ts';
import { id, seq } from './fields.ts';
import { route } from './route.ts';
import { sendOf, targetFields } from './send-target.ts';
import { sentJson, sentShape } from './shapes.ts';

export const sendMessage = route({
  method: 'POST',
  path: '/api/v1/messages/send',
  operation: 'sendMessage',
  summary: 'Sends a message; answered when it is durable.',
  idempotent: true,
  body: z.object({
    ...targetFields,
    content: z.string().describe('The text.'),
    content_type: z.string().optional().describe('Media type; absent means text/plain.'),
    reply_to_seq: seq('The message that this one answers.').optional(),
    attributes: z.record(z.string(), z.string()).optional().describe('Free for the application.'),
    client_id: id('The same as the header Idempotency-Key.').optional(),
  }),
  output: sentShape,
  async handle(input, { call, clientId }) {
    const answer = await call(MessageService.method.send, {
      send: sendOf(input, input.client_id ?? clientId),
    });
    return sentJson(answer.sent);
  },
});
