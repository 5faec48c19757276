import type { JsonValue } from '@bufbuild/protobuf';
import { type ConnectRouter, createConnectRouter, createContextValues } from '@connectrpc/connect';
import type { UniversalHandler } from '@connectrpc/connect/protocol';
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from '@connectrpc/connect-node';
import { Fault } from '../services/core/fault.ts';
import type { MessageKind } from '../services/core/field-rules.ts';
import { lookedOver } from './call-body.ts';
import { bareRefusal, completeRefusal, refusalOf } from './connect-refusal.ts';
import { type HttpRequest, type HttpResponse, pathOf } from './http-types.ts';
import { remoteAddressKey } from './passthrough.ts';
import { problem, respondProblem } from './problem.ts';

/** What a timer can be set to. */
const longestTimeoutMs = 2 ** 31 - 1;

/** Serves Connect, gRPC-Web and (over HTTP/2) gRPC on the paths of a router. */
export class ConnectHttp {
  readonly #handlers = new Map<string, UniversalHandler>();
  readonly #maxCallBytes: number;

  constructor(routes: (router: ConnectRouter) => void, maxCallBytes: number) {
    this.#maxCallBytes = maxCallBytes;
    const router = createConnectRouter({
      acceptCompression: [],
      readMaxBytes: maxCallBytes,
      writeMaxBytes: 2 * maxCallBytes,
      maxTimeoutMs: longestTimeoutMs,
      // Nobody looks at what this bridge doesn't know, and keeping it costs more than all the rest.
      binaryOptions: { readUnknownFields: false },
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
      const asked = universalRequestFromNodeRequest(request, out, undefined, values);
      const answer = await handler({ ...asked, body: this.#body(asked.body, request, handler.method.input) });
      if (answer.status < 400 || answer.body !== undefined)
        await universalResponseToNodeResponse(await completeRefusal(answer), out);
      else respondProblem(request, response, bareRefusal(answer.status));
    };
    call().catch(() => {
      // The client went away, or its request line was nonsense.
      if (response.headersSent) response.destroy();
      else respondProblem(request, response, problem(400, 'malformedFrame', 'the call could not be read'));
    });
    return true;
  }

  async *#body(
    body: AsyncIterable<Uint8Array> | JsonValue,
    request: HttpRequest,
    kind: MessageKind,
  ): AsyncGenerator<Uint8Array, void> {
    // Nobody has parsed it before.
    const bytes = body as AsyncIterable<Uint8Array>;
    try {
      const contentType = request.headers['content-type'] ?? '';
      yield* lookedOver(bytes, { contentType, kind, maxBytes: this.#maxCallBytes });
    } catch (error) {
      throw error instanceof Fault ? refusalOf(error) : error;
    }
  }
}
