import type { Http2ServerRequest } from 'node:http2';
import type { ConnectHttp } from './connect-http.ts';
import type { Readiness } from '../services/core/readiness.ts';
import { allowOrigin, preflight } from './cors.ts';
import type { Files } from './files.ts';
import { type GuardConfig, guardRequest } from './guard.ts';
import type { HalfOpen } from './half-open.ts';
import { type HttpRequest, type HttpResponse, pathOf, type RequestHandler, respond } from './http-types.ts';
import type { BridgeCounters } from './metrics.ts';
import { problem, respondProblem } from './problem.ts';
import { remoteAddressOf } from './remote-address.ts';
import type { RestDoor } from './rest/rest-door.ts';

export interface WebDoorInit {
  readonly trustedProxies: number;
  readonly requestTimeoutMs: number;
  readonly guard: GuardConfig;
  readonly counters: BridgeCounters;
  readonly halfOpen: HalfOpen;
  readonly calls: ConnectHttp;
  readonly rest: RestDoor;
  readonly files: Files;
  readonly readiness: Readiness | undefined;
}

const probeHeaders = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' };

/** Every HTTP request: guarded first, then answered by calls, REST or the page. */
export class WebDoor {
  readonly #init: WebDoorInit;

  constructor(init: WebDoorInit) {
    this.#init = init;
  }

  readonly handle: RequestHandler = (request, response) => {
    if (!this.#admit(request, response) || preflight(request, response)) return;
    const { calls, rest, files, readiness, trustedProxies } = this.#init;
    const path = pathOf(request.url ?? '/');
    const probed = readiness?.probe(path);
    if (probed !== undefined)
      return respond(request, response, probed.status, probeHeaders, `${probed.text}\n`);
    const address = remoteAddressOf(request, trustedProxies);
    if (calls.serve(request, response, address)) return;
    if (path.startsWith('/api/')) void rest.serve(request, response, address);
    else if (path.startsWith('/parley.'))
      respondProblem(request, response, problem(404, 'notFound', 'no such call'));
    else void files.serve(request, response);
  };

  /** On the port that takes WebSockets alone. */
  readonly refusePlainHttp: RequestHandler = (request, response) => {
    if (!this.#admit(request, response)) return;
    const what = problem(426, 'upgradeRequired', 'this port speaks WebSocket alone');
    respondProblem(request, response, what, { upgrade: 'websocket', connection: 'upgrade' });
  };

  #admit(request: HttpRequest, response: HttpResponse): boolean {
    const { guard, counters, halfOpen } = this.#init;
    counters.httpRequests += 1;
    response.once('finish', () => {
      if (response.statusCode >= 400) counters.httpErrors += 1;
    });
    if ('stream' in request) this.#limitTime(request, response);
    else halfOpen.leave(request.socket);
    const refusal = guardRequest(request.headers, guard);
    if (refusal === undefined) {
      allowOrigin(request, response);
      return true;
    }
    counters.refused[refusal.reason] += 1;
    respondProblem(request, response, problem(403, refusal.reason, refusal.message));
    return false;
  }

  /** HTTP/1.1 servers limit a request's time by themselves; here a trickling body would hold its stream for ever. */
  #limitTime(request: Http2ServerRequest, response: HttpResponse): void {
    // One without a body has come whole, though it counts as complete only once somebody has read it.
    if (request.complete || request.stream.endAfterHeaders) return;
    const timer = setTimeout(() => {
      if (!request.complete) response.destroy();
    }, this.#init.requestTimeoutMs);
    response.once('close', () => clearTimeout(timer));
  }
}
