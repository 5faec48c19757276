import { type ConnectRouter, createContextKey, type Transport } from '@connectrpc/connect';
import { unaryMethods } from './chat-services.ts';
import { callHeaders } from './call-headers.ts';
import { rpcError } from './rpc-error.ts';

/** The client's address, put there by the door. */
export const remoteAddressKey = createContextKey('', { description: 'remote address' });

/** No call works for as long as that, however long its client would wait. */
const longestMs = 60_000;

/** Registers every unary call of the chat services, passed on as it is. */
export function passthroughRoutes(rpc: Transport): (router: ConnectRouter) => void {
  return (router) => {
    for (const method of unaryMethods) {
      router.rpc(method, async (request, context) => {
        const headers = callHeaders({
          authorization: context.requestHeader.get('authorization') ?? undefined,
          user: context.requestHeader.get('parley-user') ?? undefined,
          remoteAddress: context.values.get(remoteAddressKey),
          traceparent: context.requestHeader.get('traceparent') ?? undefined,
        });
        try {
          const waits = context.timeoutMs();
          const timeoutMs = waits === undefined ? undefined : Math.min(waits, longestMs);
          const answer = await rpc.unary(method, context.signal, timeoutMs, headers, request);
          return answer.message;
        } catch (error) {
          throw rpcError(error);
        }
      });
    }
  };
}
