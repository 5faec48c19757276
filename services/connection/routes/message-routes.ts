import { toBinary } from '@bufbuild/protobuf';
import { MessageBodySchema } from '../../../gen/parley/chat/v1/entry_pb.ts';
import type { MessageService } from '../../../gen/parley/chat/v1/message_pb.ts';
import type { AckItem, Send } from '../../../gen/parley/chat/v1/session_pb.ts';
import { Fault, toFault } from '../../core/fault.ts';
import type { SendOperation } from '../../peer/edge-frames.ts';
import { requireScope } from '../auth.ts';
import * as check from '../check.ts';
import { listOperation, recallOperation } from '../command-operations.ts';
import { entriesOf, entryOf, errorOf, sentOf } from '../wire.ts';
import type { RouteContext, Routes } from './route.ts';

const batchSize = 256;

export const messageRoutes: Routes<typeof MessageService> = {
  async send({ send }, context) {
    return { sent: sentOf(await sendOne(given(send, 'send'), 'send', context)) };
  },

  async sendBatch({ sends }, context) {
    if (sends.length === 0)
      throw new Fault('invalidField', { message: 'at least one send is needed', field: 'sends' });
    context.spend(sends.length);
    check.atMost(sends.length, batchSize, 'sends');
    // Passed on in one go: the order within a conversation is that of the request.
    const answers = sends.map(async (send, index) => {
      try {
        const sent = await sendOne(send, `sends[${index}]`, context);
        return { result: { case: 'sent' as const, value: sentOf(sent) } };
      } catch (error) {
        return { result: { case: 'error' as const, value: errorOf(toFault(error)) } };
      }
    });
    return { results: await Promise.all(answers) };
  },

  async listMessages({ list }, context) {
    const page = await context.ask(listOperation(given(list, 'list'), 'list'), 'page');
    return { entries: entriesOf(page) };
  },

  async getMessage({ get }, context) {
    const { convId, seq, msgId } = given(get, 'get');
    const place =
      msgId === 0n
        ? { convId: check.convId(convId, 'get.conv_id'), seq: check.seqFrom1(seq, 'get.seq') }
        : await context.ask({ t: 'locate', msgId }, 'place');
    const { entries } = await context.ask({ t: 'get', convId: place.convId, seq: place.seq }, 'page');
    const [entry] = entries;
    if (entry === undefined) throw new Fault('entryNotFound', { message: 'there is no such entry' });
    return { entry: entryOf(entry) };
  },

  async recallMessage({ recall }, context) {
    return { sent: sentOf(await context.ask(recallOperation(given(recall, 'recall'), 'recall'), 'sent')) };
  },

  async ackMessages({ ack }, context) {
    const { items } = given(ack, 'ack');
    context.spend(items.length);
    check.atMost(items.length, check.limits.ackItems, 'ack.items');
    const faults = await Promise.all(
      items.map((item, index) => ackOne(item, `ack.items[${index}]`, context).catch(toFault)),
    );
    // Every item counts, whatever becomes of the others.
    const first = faults.find((fault) => fault !== undefined);
    if (first !== undefined) throw first;
    return {};
  },
};

async function ackOne({ convId, seq, msgId }: AckItem, field: string, context: RouteContext): Promise<void> {
  const place =
    msgId === 0n
      ? { convId: check.convId(convId, `${field}.conv_id`), seq: check.seqFrom1(seq, `${field}.seq`) }
      : await context.ask({ t: 'locate', msgId }, 'place');
  await context.ask({ t: 'ack', convId: place.convId, seq: place.seq }, 'read');
}

function sendOne(send: Send, field: string, context: RouteContext) {
  const { caller } = context;
  if (caller.kind === 'bot') requireScope(caller, 'send');
  const { case: kind, value } = send.target;
  const named = { convId: kind === 'convId' ? value : undefined, to: kind === 'to' ? value : undefined };
  const clientId = check.clientId(send.clientId, `${field}.client_id`);
  const { convId, peer } = check.target(caller.userId, named, field);
  const encoded = send.body === undefined ? new Uint8Array(0) : toBinary(MessageBodySchema, send.body);
  const body = check.body(encoded, `${field}.body`);
  const op: SendOperation = { t: 'send', convId, peer, clientId, body, chain: 0 };
  return context.ask(op, 'sent');
}

function given<T>(value: T | undefined, field: string): T {
  if (value === undefined) throw new Fault('invalidField', { message: `${field} is needed`, field });
  return value;
}
