import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  type Command,
  type CommandSchema,
  ConnectRequestSchema,
  ConnectResponseSchema,
  type Event,
} from '../gen/parley/chat/v1/session_pb.ts';

/** A command without its id. */
export type CommandInit = Exclude<MessageInitShape<typeof CommandSchema>, Command>['command'];

/** One command as a frame of its own; frames put behind each other are one frame. */
export function encodeCommand(id: number, command: CommandInit): Uint8Array {
  return toBinary(ConnectRequestSchema, create(ConnectRequestSchema, { commands: [{ id, command }] }));
}

/** Throws when it is not a ConnectResponse. */
export function decodeFrame(frame: Uint8Array): Event[] {
  return fromBinary(ConnectResponseSchema, frame).events;
}
