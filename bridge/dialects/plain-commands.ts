import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type Command, CommandSchema } from '../../gen/parley/chat/v1/session_pb.ts';
import { encodeCommand } from '../../services/codec/frames.ts';
import type { AckedPlace } from './delivery-tracker.ts';
import type { PageWish } from './gap-fetcher.ts';
import type { PlainTarget } from './plain-frame.ts';

/** The commands that a plain session's frames, and its bookkeeping, become. */

export function sendFrame(id: number, target: PlainTarget, clientId: string, text: string): Uint8Array {
  const body = { content: { case: 'text' as const, value: text } };
  return command(id, { case: 'send', value: { target: targetOf(target), clientId, body } });
}

export function skipFrame(id: number, target: PlainTarget, clientId: string): Uint8Array {
  return command(id, { case: 'skip', value: { target: targetOf(target), clientId } });
}

export function ackByIdFrame(id: number, msgId: bigint): Uint8Array {
  return command(id, { case: 'ack', value: { items: [{ msgId }] } });
}

export function ackFrame(id: number, places: readonly AckedPlace[]): Uint8Array {
  const items = places.map(({ convId, seq }) => ({ convId, seq: BigInt(seq) }));
  return command(id, { case: 'ack', value: { items } });
}

export function listFrame(id: number, { convId, fromSeq, limit }: PageWish): Uint8Array {
  return command(id, { case: 'list', value: { convId, fromSeq: BigInt(fromSeq), limit } });
}

export function pingFrame(id: number): Uint8Array {
  return command(id, { case: 'ping', value: {} });
}

type CommandInit = NonNullable<
  Extract<MessageInitShape<typeof CommandSchema>, { command?: unknown }>['command']
>;

function command(id: number, what: CommandInit): Uint8Array {
  return encodeCommand(create(CommandSchema, { id, command: what }) as Command);
}

function targetOf(target: PlainTarget) {
  return 'to' in target
    ? { case: 'to' as const, value: target.to }
    : { case: 'convId' as const, value: target.convId };
}
