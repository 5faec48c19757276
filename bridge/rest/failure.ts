import { ConnectError } from '@connectrpc/connect';
import { z } from 'zod';
import { type Error as ErrorMessage, ErrorSchema, Retry } from '../../gen/parley/chat/v1/error_pb.ts';
import { Fault } from '../../services/core/fault.ts';
import { rpcError } from '../rpc-error.ts';
import { faultProblem, type Problem, problem, statusOf } from '../problem.ts';

export const problemShape = z.object({
  code: z.int().describe('HTTP status.'),
  reason: z.string().describe('Stable: what programs branch on.'),
  message: z.string().describe('For people.'),
  retry: z.enum(['never', 'here', 'elsewhere']).describe('Whether the same request may succeed later.'),
  retry_after_ms: z.int(),
  field: z.string().describe('The field at fault; empty when none is.'),
});

const retryWords: Record<number, Problem['retry']> = {
  [Retry.UNSPECIFIED]: 'never',
  [Retry.NEVER]: 'never',
  [Retry.HERE]: 'here',
  [Retry.ELSEWHERE]: 'elsewhere',
};

export function errorProblem(error: ErrorMessage): Problem {
  return {
    code: statusOf(error.code, error.reason),
    reason: error.reason,
    message: error.message,
    retry: retryWords[error.retry] ?? 'never',
    retry_after_ms: error.retryAfterMs,
    field: error.field,
  };
}

/** Whatever went wrong, as REST tells it; undefined when it is nobody's fault but our own, and belongs in the log. */
export function failureProblem(thrown: unknown): Problem | undefined {
  if (thrown instanceof Fault) return faultProblem(thrown);
  if (!(thrown instanceof ConnectError)) return undefined;
  const error = rpcError(thrown);
  const detail = error.findDetails(ErrorSchema)[0];
  if (detail !== undefined) return errorProblem(detail);
  const status = statusOf(error.code, '');
  if (status === 500) return undefined;
  if (status === 504) return problem(status, 'timedOut', 'the call took too long', 'here');
  return problem(status, 'refused', error.rawMessage);
}
