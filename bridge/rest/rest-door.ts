import { randomUUID } from 'node:crypto';
import type { Transport } from '@connectrpc/connect';
import type { z } from 'zod';
import { Fault } from '../../services/core/fault.ts';
import type { Logger } from '../../services/core/log.ts';
import { callHeaders } from '../call-headers.ts';
import { type HttpRequest, type HttpResponse, pathOf, queryOf, respond } from '../http-types.ts';
import { problem, respondProblem } from '../problem.ts';
import { readJsonBody } from './body.ts';
import { failureProblem } from './failure.ts';
import { RouteTable } from './match.ts';
import { openApiDocument, openApiPath } from './openapi.ts';
import type { Call } from './route.ts';
import { routes } from './routes.ts';

const maxKeyLength = 64;
const callTimeoutMs = 30_000;

export interface RestDoorInit {
  readonly rpc: Transport;
  readonly log: Logger;
  readonly maxBodyBytes: number;
}

/** REST: each request becomes one unary call, by the route that fits it. */
export class RestDoor {
  readonly #init: RestDoorInit;
  readonly #table = new RouteTable(routes);
  readonly #document = `${JSON.stringify(openApiDocument(routes))}\n`;

  constructor(init: RestDoorInit) {
    this.#init = init;
  }

  /** Answers a request under `/api/`. Never rejects. */
  async serve(request: HttpRequest, response: HttpResponse, remoteAddress: string): Promise<void> {
    try {
      await this.#serve(request, response, remoteAddress);
    } catch (error) {
      // The client went away in the middle of its body: nobody is there to be told, and nothing is wrong here.
      if (request.destroyed && !request.complete) return;
      const known = failureProblem(error);
      if (known === undefined) this.#init.log.error('a REST request failed', {}, error);
      const unsupported = error instanceof Fault && error.reason === 'unsupportedFrame';
      const what = known ?? problem(500, 'internal', 'internal error', 'here');
      // A body that was not read to its end leaves the connection in no state to go on.
      const end: Record<string, string> =
        request.readableEnded || request.httpVersionMajor > 1 ? {} : { connection: 'close' };
      respondProblem(request, response, unsupported ? { ...what, code: 415 } : what, end);
    }
  }

  async #serve(request: HttpRequest, response: HttpResponse, remoteAddress: string): Promise<void> {
    const url = request.url ?? '/';
    const path = pathOf(url);
    if (path === openApiPath && (request.method === 'GET' || request.method === 'HEAD')) {
      respond(request, response, 200, jsonHeaders, this.#document);
      return;
    }
    const found = this.#table.find(request.method ?? '', path);
    if (found.t === 'none') {
      respondProblem(request, response, problem(404, 'notFound', 'no such route'));
      return;
    }
    if (found.t === 'method') {
      const allow = found.allowed.join(', ');
      respondProblem(request, response, problem(405, 'methodNotAllowed', `use ${allow}`), { allow });
      return;
    }
    const { route, params } = found;
    const query = queryOf(url);
    const input = {
      ...parse(route.query, Object.fromEntries(query)),
      ...(route.body === undefined
        ? {}
        : parse(route.body, await readJsonBody(request, this.#init.maxBodyBytes))),
      ...parse(route.params, params),
    };
    const answer = await route.handle(input as never, {
      call: this.#caller(request, query, remoteAddress),
      clientId: idempotencyKey(request),
    });
    respond(request, response, 200, jsonHeaders, `${JSON.stringify({ code: 200, ...answer })}\n`);
  }

  #caller(request: HttpRequest, query: URLSearchParams, remoteAddress: string): Call {
    const named = request.headers['parley-user'];
    const userId = query.get('user_id');
    const { traceparent } = request.headers;
    const headers = callHeaders({
      authorization: request.headers.authorization,
      user: typeof named === 'string' ? named : userId === null ? undefined : encodeURIComponent(userId),
      remoteAddress,
      traceparent: typeof traceparent === 'string' ? traceparent : undefined,
    });
    return async (method, input) => {
      const answer = await this.#init.rpc.unary(method, undefined, callTimeoutMs, headers, input);
      return answer.message as never;
    };
  }
}

const jsonHeaders = {
  'x-content-type-options': 'nosniff',
  'content-type': 'application/json; charset=utf-8',
  'cache-control': 'no-store',
};

function parse(shape: z.ZodObject, fields: unknown): Record<string, unknown> {
  const parsed = shape.safeParse(fields);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = (issue?.path ?? []).join('.');
  throw new Fault('invalidField', { message: issue?.message ?? 'not valid', field });
}

function idempotencyKey(request: HttpRequest): string {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return randomUUID();
  if (typeof key === 'string' && key.length >= 1 && key.length <= maxKeyLength) return key;
  throw new Fault('invalidField', {
    message: `Idempotency-Key must have 1 to ${maxKeyLength} characters`,
    field: 'Idempotency-Key',
  });
}
