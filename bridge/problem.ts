import type { Fault } from '../services/core/fault.ts';
import { type HttpRequest, type HttpResponse, respond } from './http-types.ts';

/** What REST and plain HTTP answer when they refuse. */
export interface Problem {
  /** HTTP status. */
  readonly code: number;
  /** Stable: what programs branch on. */
  readonly reason: string;
  readonly message: string;
  readonly retry: 'never' | 'here' | 'elsewhere';
  readonly retry_after_ms: number;
  readonly field: string;
}

export function problem(
  code: number,
  reason: string,
  message: string,
  retry: Problem['retry'] = 'never',
): Problem {
  return { code, reason, message, retry, retry_after_ms: 0, field: '' };
}

/** gRPC status code to HTTP status. What a client can cause is 4xx. */
const statuses: Record<number, number> = {
  1: 499,
  2: 500,
  3: 400,
  4: 504,
  5: 404,
  6: 409,
  7: 403,
  8: 429,
  9: 409,
  10: 409,
  11: 400,
  12: 404,
  13: 500,
  14: 503,
  15: 500,
  16: 401,
};

export function statusOf(code: number, reason: string): number {
  if (reason === 'frameTooLarge' || reason === 'contentTooLarge') return 413;
  return statuses[code] ?? 500;
}

export function faultProblem(fault: Fault): Problem {
  return {
    code: statusOf(fault.spec.code, fault.reason),
    reason: fault.reason,
    message: fault.message,
    retry: fault.spec.retry,
    retry_after_ms: fault.retryAfterMs,
    field: fault.field,
  };
}

export function respondProblem(
  request: HttpRequest,
  response: HttpResponse,
  what: Problem,
  headers: Record<string, string> = {},
): void {
  const retry: Record<string, string> =
    what.retry_after_ms > 0 ? { 'retry-after': String(Math.ceil(what.retry_after_ms / 1000)) } : {};
  respond(
    request,
    response,
    what.code,
    {
      'x-content-type-options': 'nosniff',
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      ...retry,
      ...headers,
    },
    `${JSON.stringify(what)}\n`,
  );
}
