import { z } from 'zod';
import type { SendResult } from '../../gen/parley/chat/v1/message_pb.ts';
import { MessageService } from '../../gen/parley/chat/v1/message_pb.ts';
import { errorProblem, problemShape } from './failure.ts';
import { id } from './fields.ts';
import { route } from './route.ts';
import { sendOf, targetFields } from './send-target.ts';
import { sentJson, sentShape } from './shapes.ts';

const acceptedShape = z.object({ code: z.int(), ...sentShape.shape });

export const sendBatch = route({
  method: 'POST',
  path: '/api/v1/messages/send-batch',
  operation: 'sendBatch',
  summary:
    'Sends many messages of one sender. Each is answered for itself, in the order of the request; one without exactly one target refuses them all.',
  body: z.object({
    sends: z.array(
      z.object({
        ...targetFields,
        content: z.string().describe('The text.'),
        content_type: z.string().optional(),
        attributes: z.record(z.string(), z.string()).optional(),
        client_id: id('Makes this message safe to send again.'),
      }),
    ),
  }),
  output: z.object({ results: z.array(z.union([acceptedShape, problemShape])) }),
  async handle({ sends }, { call }) {
    const answer = await call(MessageService.method.sendBatch, {
      sends: sends.map((send, at) => sendOf(send, send.client_id, `sends[${at}].`)),
    });
    return { results: answer.results.map(resultJson) };
  },
});

function resultJson({ result }: SendResult) {
  return result.case === 'error' ? errorProblem(result.value) : { code: 200, ...sentJson(result.value) };
}
