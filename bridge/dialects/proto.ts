import { Fault } from '../../services/core/fault.ts';
import { LongFrame } from '../../services/core/frame.ts';
import { signInByHandshake } from '../hello.ts';
import { wsFrame } from '../ws-frame.ts';
import { type Dialect, SharedDelivery } from './dialect.ts';
import { encodeResponse, faultResponse } from './events.ts';

/** `parley.v1.proto`: binary frames that are the protobuf frames themselves. */
export const protoDialect: Dialect = {
  name: 'proto',
  transport: 'ws-proto',

  begin: signInByHandshake,

  receive(socket, data, isBinary) {
    if (isBinary) socket.forward(data);
    else socket.fail(new Fault('unsupportedFrame', { message: 'parley.v1.proto takes binary frames alone' }));
  },

  encode(frame) {
    if (!(frame instanceof LongFrame)) return new SharedDelivery(wsFrame('binary', frame));
    return new SharedDelivery(wsFrame('binary', frame.head, frame.rest.byteLength), frame.rest);
  },

  problem(fault) {
    return wsFrame('binary', encodeResponse(faultResponse(fault)));
  },
};
