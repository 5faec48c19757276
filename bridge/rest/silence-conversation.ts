import { z } from 'zod';
import { DeviceService } from '../../gen/parley/chat/v1/device_pb.ts';
import { until, untilMs, untilSeconds } from './device-shapes.ts';
import { conversationParams } from './fields.ts';
import { route } from './route.ts';

export const silenceConversation = route({
  method: 'PUT',
  path: '/api/v1/conversations/{id}/silence',
  operation: 'silenceConversation',
  summary: 'Silences a conversation: you get no pushes of it.',
  params: conversationParams,
  body: z.object({ until: until('Until when, in seconds since 1970; 0 ends the silence.') }),
  output: z.object({ until: z.number().describe('Until when; 0: not any more.') }),
  async handle(input, { call }) {
    const answer = await call(DeviceService.method.silenceConversation, {
      convId: input.id,
      untilMs: untilMs(input.until),
    });
    return { until: untilSeconds(answer.untilMs) };
  },
});
