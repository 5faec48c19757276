import { toBinary } from '@bufbuild/protobuf';
import { MessageBodySchema } from '../../gen/parley/chat/v1/entry_pb.ts';
import type { Command } from '../../gen/parley/chat/v1/session_pb.ts';
import { Fault } from '../core/fault.ts';

/** A command as the session takes it; the body of a send stays as it was on the wire. */
export type DecodedCommand =
  | {
      readonly t: 'send';
      readonly id: number;
      readonly convId: string | undefined;
      readonly to: string | undefined;
      readonly clientId: string;
      /**
       * A MessageBody as the client sent it, to be checked by `checkBody` before anything is done with it; empty when
       * the command had none. May be a view of the frame.
       */
      readonly body: Uint8Array;
      /** As the client gave it; absent for the many that have none. */
      readonly traceparent?: string;
    }
  | { readonly t: 'ack'; readonly id: number; readonly items: readonly DecodedAck[] }
  /** A command that can't be carried out because of what it says: answer it with the fault, and go on. */
  | { readonly t: 'refused'; readonly id: number; readonly fault: Fault }
  /** Neither a send nor an ack. `command.case` is undefined for commands that this server doesn't know. */
  | { readonly t: 'other'; readonly id: number; readonly command: Command };

/** What a client has of a conversation: named by convId and seq, or by the msgId (0n when it isn't). */
export interface DecodedAck {
  readonly convId: string;
  readonly seq: number;
  readonly msgId: bigint;
}

export const noBody = new Uint8Array(0);

/** What protobuf-es decoded. */
export function classify(command: Command): DecodedCommand {
  const { id } = command;
  if (command.command.case === 'ack') {
    const items = command.command.value.items.map((item) => ({
      convId: item.convId,
      seq: Number(item.seq),
      msgId: item.msgId,
    }));
    return ackOf(id, items);
  }
  if (command.command.case !== 'send') return { t: 'other', id, command };
  const { target, clientId, body } = command.command.value;
  const { traceparent } = command;
  return {
    t: 'send',
    id,
    convId: target.case === 'convId' ? target.value : undefined,
    to: target.case === 'to' ? target.value : undefined,
    clientId,
    body: body === undefined ? noBody : toBinary(MessageBodySchema, body),
    ...(traceparent === '' ? {} : { traceparent }),
  };
}

/** An ack, or the refusal of one whose seqs are no plain numbers. */
export function ackOf(id: number, items: readonly DecodedAck[]): DecodedCommand {
  const at = items.findIndex((item) => item.seq > Number.MAX_SAFE_INTEGER);
  if (at < 0) return { t: 'ack', id, items };
  const fault = new Fault('seqOutOfRange', { field: `ack.items[${at}].seq`, message: 'seq is 2^53 or more' });
  return { t: 'refused', id, fault };
}
