import { allowOrigin, preflight } from './cors.ts';
import type { ConnectHttp } from './connect-http.ts';
import type { Files } from './files.ts';
import { guardRequest } from './guard.ts';
import type { HalfOpen } from './half-open.ts';
import { type HttpRequest, type HttpResponse, pathOf, type RequestHandler } from './http-types.ts';
import type { Log } from './log.ts';
import type { BridgeCounters } from './metrics.ts';
import type { BridgeConfig } from './options.ts';
import { problem, respondProblem } from './problem.ts';
import { remoteAddressOf } from './remote-address.ts';

export interface WebDoorInit {
  readonly config: BridgeConfig;
  readonly counters: BridgeCounters;
  readonly log: Log;
  readonly halfOpen: HalfOpen;
  readonly calls: ConnectHttp;
  readonly files: Files;
}

/** Every HTTP request: guarded first, then answered by calls, REST or the page. */
export class WebDoor {
  readonly #init: WebDoorInit;

  constructor(init: WebDoorInit) {
    this.#init = init;
  }

  readonly handle: RequestHandler = (request, response) => {
    if (!this.#admit(request, response)) return;
    if (preflight(request, response)) return;
    const { config, calls, files, log } = this.#init;
    if (calls.serve(request, response, remoteAddressOf(request, config.trustedProxies))) return;
    const path = pathOf(request.url ?? '/');
    if (path.startsWith('/api/') || path.startsWith('/parley.')) {
      respondProblem(request, response, problem(404, 'notFound', 'no such call'));
      return;
    }
    files.serve(request, response).catch((error: unknown) => {
      log.error({ err: error }, 'a file could not be served');
      respondProblem(request, response, problem(500, 'internal', 'internal error', 'here'));
    });
  };

  /** On the port that takes WebSockets alone. */
  readonly refusePlainHttp: RequestHandler = (request, response) => {
    if (!this.#admit(request, response)) return;
    const what = problem(426, 'upgradeRequired', 'this port speaks WebSocket alone');
    respondProblem(request, response, what, { upgrade: 'websocket', connection: 'upgrade' });
  };

  #admit(request: HttpRequest, response: HttpResponse): boolean {
    const { config, counters, halfOpen } = this.#init;
    counters.httpRequests += 1;
    response.once('finish', () => {
      if (response.statusCode >= 400) counters.httpErrors += 1;
    });
    if (!('stream' in request)) halfOpen.leave(request.socket);
    const refusal = guardRequest(request.headers, config);
    if (refusal === undefined) {
      allowOrigin(request, response);
      return true;
    }
    counters.refused[refusal.reason] += 1;
    respondProblem(request, response, problem(403, refusal.reason, refusal.message));
    return false;
  }
}
