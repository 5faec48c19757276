import { create } from '@bufbuild/protobuf';
import { Code, ConnectError, type Transport } from '@connectrpc/connect';
import type { UnaryHost } from '../core/door.ts';
import { callContext } from './call-context.ts';
import { rpcName } from './chat-services.ts';
import { toConnectError } from './faults.ts';

/**
 * A Connect transport whose other end is in this process: requests and answers are handed over as they are, without
 * serialisation. Its callers are trusted to say from which address a call came.
 */
export function createUnaryTransport(host: UnaryHost): Transport {
  return {
    async unary(method, _signal, _timeoutMs, header, input) {
      const headers = new Headers(header);
      const context = callContext(headers, headers.get('parley-remote-address') ?? '');
      try {
        const answer = await host.call(rpcName(method), create(method.input, input), context);
        return {
          stream: false,
          service: method.parent,
          method,
          header: new Headers(),
          trailer: new Headers(),
          // The host answers with the message of the method that was called.
          message: answer as never,
        };
      } catch (error) {
        throw toConnectError(error);
      }
    },
    async stream() {
      throw new ConnectError('only unary calls', Code.Unimplemented);
    },
  };
}
