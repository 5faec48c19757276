import { fromBinary } from '@bufbuild/protobuf';
import { CommandSchema, ConnectRequestSchema } from '../../gen/parley/chat/v1/session_pb.ts';
import { Fault } from '../core/fault.ts';
import { FrameTally } from '../core/frame-tally.ts';
import { classify, type DecodedCommand } from './decoded-command.ts';
import { walkFields } from '../core/wire-fields.ts';
import { irregular, Reader } from './reader.ts';
import { readCommand } from './straight.ts';

/** Nobody looks at what this server doesn't know, and keeping it costs more than all the rest. */
const frameOptions = { readUnknownFields: false };
/** protobuf-es allows 100 levels of messages and groups, of which the frame is one. */
const commandOptions = { ...frameOptions, recursionLimit: 99 };

/**
 * Decodes a ConnectRequest. Throws `malformedFrame`, `tooManyCommands` or `frameTooLarge`. What comes out may hold views
 * of the frame: its buffer must not be used again.
 *
 * Sends and acks in the form that encoders write are read straight; every other command goes through protobuf-es, and
 * where that finds fault with one, so does the frame: what is taken for a frame is for protobuf-es to say, as far as it
 * is what encoders write (FrameTally). Only the bodies of sends are left for later, so that a broken one costs its sender
 * no more than that send.
 */
export function decodeRequest(frame: Uint8Array): DecodedCommand[] {
  try {
    return decodeStraight(frame);
  } catch (error) {
    if (error instanceof Fault) throw error;
    return decodeWhole(frame);
  }
}

function decodeStraight(frame: Uint8Array): DecodedCommand[] {
  const commands: DecodedCommand[] = [];
  const reader = new Reader(frame);
  const tally = new FrameTally();
  while (reader.pos < frame.byteLength) {
    if (reader.uint32() !== 0x0a) throw irregular;
    const end = reader.end(frame.byteLength);
    const start = reader.pos;
    tally.command();
    const command = readCommand(reader, end);
    if (command !== undefined) {
      commands.push(command);
      continue;
    }
    const encoded = frame.subarray(start, end);
    tally.message(CommandSchema, encoded);
    commands.push(classify(fromBinary(CommandSchema, encoded, commandOptions)));
    reader.pos = end;
  }
  return commands;
}

function decodeWhole(frame: Uint8Array): DecodedCommand[] {
  const tally = new FrameTally();
  walkFields(frame, 0, frame.byteLength, (number) => {
    if (number === 1) tally.command();
  });
  tally.message(ConnectRequestSchema, frame);
  try {
    return fromBinary(ConnectRequestSchema, frame, frameOptions).commands.map(classify);
  } catch (cause) {
    throw new Fault('malformedFrame', { message: 'not an encoded ConnectRequest', cause });
  }
}
