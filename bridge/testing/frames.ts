import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  type Command,
  type ConnectRequest,
  ConnectRequestSchema,
  ConnectResponseSchema,
  type EventSchema,
} from '../../gen/parley/chat/v1/session_pb.ts';

/** An encoded ConnectResponse with these events. */
export function events(...list: MessageInitShape<typeof EventSchema>[]): Uint8Array {
  return toBinary(ConnectResponseSchema, create(ConnectResponseSchema, { events: list }));
}

/** An encoded ConnectRequest. */
export function request(init: MessageInitShape<typeof ConnectRequestSchema>): Uint8Array {
  return toBinary(ConnectRequestSchema, create(ConnectRequestSchema, init));
}

export function requestOf(frame: Uint8Array): ConnectRequest {
  return fromBinary(ConnectRequestSchema, frame);
}

/** The only command of a frame. */
export function commandOf(frame: Uint8Array): Command {
  const { commands } = requestOf(frame);
  if (commands.length !== 1) throw new Error(`${commands.length} commands instead of one`);
  return commands[0] as Command;
}

export interface TestEntry {
  readonly convId: string;
  readonly seq: number;
  readonly sender: string;
  readonly text?: string;
  readonly clientId?: string;
}

/** A message with msg_id 1000 + seq, or, without a text, a group's new name. */
export function entry({ convId, seq, sender, text, clientId = '' }: TestEntry) {
  const content =
    text === undefined
      ? { case: 'groupRenamed' as const, value: { name: 'new' } }
      : { case: 'message' as const, value: { content: { case: 'text' as const, value: text } } };
  const msgId = BigInt(1000 + seq);
  return { convId, seq: BigInt(seq), msgId, sender, createdAtMs: 1_700_000_000_250n, clientId, content };
}

export function entryEvents(...entries: TestEntry[]): Uint8Array {
  return events(...entries.map((one) => ({ event: { case: 'entry' as const, value: entry(one) } })));
}
