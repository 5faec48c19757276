import { type ConnectRouter, createConnectRouter, createContextValues } from '@connectrpc/connect';
import type { UniversalHandler } from '@connectrpc/connect/protocol';
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from '@connectrpc/connect-node';
import { completeRefusal } from './connect-refusal.ts';
import { type HttpRequest, type HttpResponse, pathOf } from './http-types.ts';
import { remoteAddressKey } from './passthrough.ts';
import { problem, respondProblem } from './problem.ts';

/** Serves Connect, gRPC-Web and (over HTTP/2) gRPC on the paths of a router. */
export class ConnectHttp {
  readonly #handlers = new Map<string, UniversalHandler>();

  constructor(routes: (router: ConnectRouter) => void, maxCallBytes: number) {
    const router = createConnectRouter({
      acceptCompression: [],
      readMaxBytes: maxCallBytes,
      writeMaxBytes: 2 * maxCallBytes,
      maxTimeoutMs: 60_000,
    });
    routes(router);
    for (const handler of router.handlers) this.#handlers.set(handler.requestPath, handler);
  }

  /** False when the path is none of its own. */
  serve(request: HttpRequest, response: HttpResponse, remoteAddress: string): boolean {
    const handler = this.#handlers.get(pathOf(request.url ?? '/'));
    if (handler === undefined) return false;
    const values = createContextValues().set(remoteAddressKey, remoteAddress);
    // The two HTTP versions' responses share all that is used of them, but no type.
    const out = response as Parameters<typeof universalResponseToNodeResponse>[1];
    const call = async (): Promise<void> => {
      const answer = await handler(universalRequestFromNodeRequest(request, out, undefined, values));
      await universalResponseToNodeResponse(await completeRefusal(answer), out);
    };
    call().catch(() => {
      // The client went away, or its request line was nonsense.
      if (response.headersSent) response.destroy();
      else respondProblem(request, response, problem(400, 'malformedFrame', 'the call could not be read'));
    });
    return true;
  }
}
