import { Code as ConnectCode, ConnectError } from '@connectrpc/connect';
import { ErrorSchema, Retry } from '../../gen/parley/chat/v1/error_pb.ts';
import { Code, type RetryAdvice, toFault } from '../core/fault.ts';

const retries: Record<RetryAdvice, Retry> = {
  never: Retry.NEVER,
  here: Retry.HERE,
  elsewhere: Retry.ELSEWHERE,
};

/** Connect numbers its codes as gRPC does. */
const codes: Record<(typeof Code)[keyof typeof Code], ConnectCode> = {
  [Code.InvalidArgument]: ConnectCode.InvalidArgument,
  [Code.DeadlineExceeded]: ConnectCode.DeadlineExceeded,
  [Code.NotFound]: ConnectCode.NotFound,
  [Code.AlreadyExists]: ConnectCode.AlreadyExists,
  [Code.PermissionDenied]: ConnectCode.PermissionDenied,
  [Code.ResourceExhausted]: ConnectCode.ResourceExhausted,
  [Code.FailedPrecondition]: ConnectCode.FailedPrecondition,
  [Code.OutOfRange]: ConnectCode.OutOfRange,
  [Code.Unimplemented]: ConnectCode.Unimplemented,
  [Code.Internal]: ConnectCode.Internal,
  [Code.Unavailable]: ConnectCode.Unavailable,
  [Code.Unauthenticated]: ConnectCode.Unauthenticated,
};

/** Whatever was thrown, as Connect sends it: the fault is the error's only detail. */
export function toConnectError(thrown: unknown): ConnectError {
  if (thrown instanceof ConnectError) return thrown;
  const fault = toFault(thrown);
  const { code, retry } = fault.spec;
  // Messages may quote what a client sent, and a lone surrogate can't travel.
  const message = fault.message.toWellFormed();
  const value = {
    code,
    reason: fault.reason,
    message,
    retry: retries[retry],
    retryAfterMs: fault.retryAfterMs,
    field: fault.field.toWellFormed(),
  };
  const detail = { desc: ErrorSchema, value };
  return new ConnectError(message, codes[code], undefined, [detail], fault.cause);
}
