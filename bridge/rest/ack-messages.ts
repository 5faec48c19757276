import { z } from 'zod';
import { MessageService } from '../../gen/parley/chat/v1/message_pb.ts';
import { Fault } from '../../services/core/fault.ts';
import { id, msgId, seq } from './fields.ts';
import { route } from './route.ts';

const place = {
  msg_id: msgId('All up to this message.').optional(),
  conv_id: id('The conversation, with seq.').optional(),
  seq: seq('All entries up to this one.').optional(),
};

export const ackMessages = route({
  method: 'POST',
  path: '/api/v1/messages/ack',
  operation: 'ackMessages',
  summary: 'Acknowledges what was received: by msg_id, by conv_id and seq, or many at once as items.',
  body: z.object({ ...place, items: z.array(z.object(place)).optional() }),
  output: z.object({}),
  async handle({ items, ...single }, { call }) {
    const places = items ?? [single];
    await call(MessageService.method.ackMessages, { ack: { items: places.map(itemOf) } });
    return {};
  },
});

function itemOf(item: { msg_id?: bigint; conv_id?: string; seq?: number }) {
  if (item.msg_id !== undefined) return { msgId: item.msg_id };
  if (item.conv_id !== undefined && item.seq !== undefined)
    return { convId: item.conv_id, seq: BigInt(item.seq) };
  throw new Fault('invalidField', { message: 'name msg_id, or conv_id and seq', field: 'msg_id' });
}
