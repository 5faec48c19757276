import { create, toBinary } from '@bufbuild/protobuf';
import type { Command, Event } from '../../gen/parley/chat/v1/session_pb.ts';
import {
  CommandSchema,
  ConnectRequestSchema,
  ConnectResponseSchema,
} from '../../gen/parley/chat/v1/session_pb.ts';
import { take } from './slab.ts';

/**
 * The seam for encoding hot messages: everything a session reads and writes passes here. A fragment is an encoded
 * ConnectResponse with one event; concatenated fragments are one valid frame. Sends, acks, entries and answers to sends
 * are read and written by hand, the rest by protobuf-es; properties hold the two equal.
 */
export { checkBody } from './body.ts';
export type { DecodedCommand } from './decoded-command.ts';
export { encodeEntry } from './entry.ts';
export { entriesFragment, entryFragment } from './entry-event.ts';
export { messageContent } from './message-content.ts';
export { decodeRequest } from './request.ts';
export { sentFragment } from './sent.ts';

/** Fragment with any event. */
export function eventFragment(event: Event): Uint8Array {
  return toBinary(ConnectResponseSchema, create(ConnectResponseSchema, { events: [event] }));
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.byteLength;
  const whole = take(length);
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
