import { fromBinary, fromJson, type JsonValue, toBinary, toJsonString } from '@bufbuild/protobuf';
import {
  ConnectRequestSchema,
  type ConnectResponse,
  ConnectResponseSchema,
} from '../../gen/parley/chat/v1/session_pb.ts';
import { Fault, toFault } from '../../services/core/fault.ts';
import { wholeFrame } from '../../services/core/frame.ts';
import { frameLimits } from '../../services/core/frame-limits.ts';
import { signInByHandshake } from '../hello.ts';
import { parseJson } from '../json-input.ts';
import { wsFrame } from '../ws-frame.ts';
import { type Dialect, SharedDelivery } from './dialect.ts';
import { faultResponse } from './events.ts';

/** `parley.v1.json`: text frames with the canonical protobuf JSON of the same frames. */
export const jsonDialect: Dialect = {
  name: 'json',
  transport: 'ws-json',

  begin: signInByHandshake,

  receive(socket, data, isBinary) {
    try {
      if (isBinary)
        throw new Fault('unsupportedFrame', { message: 'parley.v1.json takes text frames alone' });
      socket.forward(requestFromJson(data.toString('utf8')));
    } catch (error) {
      socket.fail(toFault(error));
    }
  },

  encode(frame) {
    return new SharedDelivery(textFrame(fromBinary(ConnectResponseSchema, wholeFrame(frame))));
  },

  problem(fault) {
    return textFrame(faultResponse(fault));
  },
};

/** The binary frame that this JSON means. Fields that the contract does not know are passed over, as in binary. */
function requestFromJson(text: string): Uint8Array {
  const value = parseJson(text);
  const commands = (value as { readonly commands?: unknown } | null)?.commands;
  if (Array.isArray(commands) && commands.length > frameLimits.commands)
    throw new Fault('tooManyCommands', { message: `a frame holds at most ${frameLimits.commands} commands` });
  try {
    const request = fromJson(ConnectRequestSchema, value as JsonValue, { ignoreUnknownFields: true });
    return toBinary(ConnectRequestSchema, request);
  } catch (error) {
    const message = error instanceof Error ? error.message : 'not a ConnectRequest';
    throw new Fault('malformedFrame', { message: message.slice(0, 300) });
  }
}

function textFrame(response: ConnectResponse): Buffer {
  return wsFrame('text', Buffer.from(toJsonString(ConnectResponseSchema, response)));
}
