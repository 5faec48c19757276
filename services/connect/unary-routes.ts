import { type ConnectRouter, createContextKey, type HandlerContext } from '@connectrpc/connect';
import type { UnaryHost } from '../core/door.ts';
import { callContext } from './call-context.ts';
import { rpcName, unaryMethods } from './chat-services.ts';
import { toConnectError } from './faults.ts';

/** From which address a call came, put there by the server. */
export const remoteAddressKey = createContextKey('', { description: 'remote address' });

/** Registers every unary call of the chat services, each answered by the host. */
export function unaryRoutes(host: UnaryHost): (router: ConnectRouter) => void {
  return (router) => {
    for (const method of unaryMethods) {
      router.rpc(method, async (request, context: HandlerContext) => {
        const caller = callContext(context.requestHeader, context.values.get(remoteAddressKey));
        try {
          return (await host.call(rpcName(method), request, caller)) as never;
        } catch (error) {
          throw toConnectError(error);
        }
      });
    }
  };
}
