import { MessageService } from '../../gen/parley/chat/v1/message_pb.ts';
import { entryParams } from './get-message.ts';
import { route } from './route.ts';
import { sentJson, sentShape } from './shapes.ts';

export const recallMessage = route({
  method: 'DELETE',
  path: '/api/v1/conversations/{id}/messages/{seq}',
  operation: 'recallMessage',
  summary: 'Takes a message back: its content is wiped.',
  idempotent: true,
  params: entryParams,
  output: sentShape,
  async handle({ id, seq }, { call, clientId }) {
    const recall = { convId: id, seq: BigInt(seq), clientId };
    const answer = await call(MessageService.method.recallMessage, { recall });
    return sentJson(answer.sent);
  },
});
