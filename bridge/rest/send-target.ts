import type { MessageInitShape } from '@bufbuild/protobuf';
import type { SendSchema } from '../../gen/parley/chat/v1/session_pb.ts';
import { Fault } from '../../services/core/fault.ts';
import { id } from './fields.ts';

/** Exactly one of these says where a message goes. */
export const targetFields = {
  conv_id: id('The conversation.').optional(),
  group_id: id('The group.').optional(),
  to: id('The user.').optional(),
};

interface Message {
  readonly conv_id?: string;
  readonly group_id?: string;
  readonly to?: string;
  readonly content: string;
  readonly content_type?: string;
  readonly reply_to_seq?: number;
  readonly attributes?: Record<string, string>;
}

/**
 * The send command that a message of a request is. Throws `invalidField` where it does not name exactly one target: of a
 * message that is one of many, `at` says which.
 */
export function sendOf(message: Message, clientId: string, at = ''): MessageInitShape<typeof SendSchema> {
  return {
    target: targetOf(message, at),
    clientId,
    body: {
      contentType: message.content_type ?? '',
      content: { case: 'text', value: message.content },
      replyToSeq: BigInt(message.reply_to_seq ?? 0),
      attributes: message.attributes ?? {},
    },
  };
}

function targetOf({ conv_id, group_id, to }: Message, at: string) {
  if ([conv_id, group_id, to].filter((name) => name !== undefined).length !== 1)
    throw new Fault('invalidField', {
      message: 'name exactly one of conv_id, group_id, to',
      field: `${at}conv_id`,
    });
  return to === undefined
    ? { case: 'convId' as const, value: conv_id ?? group_id ?? '' }
    : { case: 'to' as const, value: to };
}
