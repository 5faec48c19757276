import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { Fault } from '../core/fault.ts';
import type { Command, Event } from '../../gen/parley/chat/v1/session_pb.ts';
import {
  CommandSchema,
  ConnectRequestSchema,
  ConnectResponseSchema,
  EventSchema,
  SentSchema,
} from '../../gen/parley/chat/v1/session_pb.ts';
import { EntrySchema, MessageBodySchema } from '../../gen/parley/chat/v1/entry_pb.ts';

/**
 * The seam for encoding hot messages: everything a session reads and writes passes here. A fragment is an encoded
 * ConnectResponse with one event; concatenated fragments are one valid frame.
 */

/** A command as the session takes it; the body of a send stays as it was on the wire. */
export type DecodedCommand =
  | {
      readonly t: 'send';
      readonly id: number;
      readonly convId: string | undefined;
      readonly to: string | undefined;
      readonly clientId: string;
      /** An encoded MessageBody, not checked; empty when the command had none. */
      readonly body: Uint8Array;
    }
  | { readonly t: 'other'; readonly id: number; readonly command: Command };

/** Decodes a ConnectRequest. Throws `malformedFrame`. */
export function decodeRequest(frame: Uint8Array): DecodedCommand[] {
  let request: ReturnType<typeof create<typeof ConnectRequestSchema>>;
  try {
    request = fromBinary(ConnectRequestSchema, frame);
  } catch (cause) {
    throw new Fault('malformedFrame', { message: 'not an encoded ConnectRequest', cause });
  }
  return request.commands.map((command): DecodedCommand => {
    if (command.command.case !== 'send') return { t: 'other', id: command.id, command };
    const { target, clientId, body } = command.command.value;
    return {
      t: 'send',
      id: command.id,
      convId: target.case === 'convId' ? target.value : undefined,
      to: target.case === 'to' ? target.value : undefined,
      clientId,
      body: body === undefined ? new Uint8Array(0) : toBinary(MessageBodySchema, body),
    };
  });
}

/** The header of an entry; see `parley.chat.v1.Entry`. */
export interface EntryHeader {
  readonly convId: string;
  readonly seq: number;
  readonly msgId: bigint;
  readonly sender: string;
  readonly createdAtMs: number;
  readonly ord: number;
  readonly revision: number;
}

/** Encodes a `parley.chat.v1.Entry` from its header and its encoded content (fields ≥ 10). */
export function encodeEntry(header: EntryHeader, content: Uint8Array): Uint8Array {
  const head = toBinary(
    EntrySchema,
    create(EntrySchema, {
      convId: header.convId,
      seq: BigInt(header.seq),
      msgId: header.msgId,
      sender: header.sender,
      createdAtMs: BigInt(header.createdAtMs),
      ord: BigInt(header.ord),
      revision: header.revision,
    }),
  );
  return concat([head, content]);
}

/** Fragment with a live entry. */
export function entryFragment(header: EntryHeader, content: Uint8Array): Uint8Array {
  const entry = fromBinary(EntrySchema, encodeEntry(header, content));
  return eventFragment(create(EventSchema, { event: { case: 'entry', value: entry } }));
}

/** Fragment that answers a send. */
export function sentFragment(
  replyTo: number,
  sent: { convId: string; seq: number; msgId: bigint; createdAtMs: number; duplicate: boolean },
): Uint8Array {
  const value = create(SentSchema, { ...sent, seq: BigInt(sent.seq), createdAtMs: BigInt(sent.createdAtMs) });
  return eventFragment(create(EventSchema, { replyTo, event: { case: 'sent', value } }));
}

/** Fragment with any event. */
export function eventFragment(event: Event): Uint8Array {
  return toBinary(ConnectResponseSchema, create(ConnectResponseSchema, { events: [event] }));
}

/** Content of a message's entry: client_id and the message, from an encoded MessageBody. */
export function messageContent(clientId: string, body: Uint8Array): Uint8Array {
  const message = fromBinary(MessageBodySchema, body);
  return toBinary(
    EntrySchema,
    create(EntrySchema, { clientId, content: { case: 'message', value: message } }),
  );
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.byteLength;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}

/** For tests and clients: one command as a frame. */
export function encodeCommand(command: Command): Uint8Array {
  return toBinary(
    ConnectRequestSchema,
    create(ConnectRequestSchema, { commands: [create(CommandSchema, command)] }),
  );
}
