import { create, toBinary } from '@bufbuild/protobuf';
import {
  type ConnectResponse,
  ConnectResponseSchema,
  EventSchema,
} from '../../gen/parley/chat/v1/session_pb.ts';
import { ErrorSchema, Retry } from '../../gen/parley/chat/v1/error_pb.ts';
import type { Fault, RetryAdvice } from '../../services/core/fault.ts';

const retries: Record<RetryAdvice, Retry> = {
  never: Retry.NEVER,
  here: Retry.HERE,
  elsewhere: Retry.ELSEWHERE,
};

/** A refusal as an event that answers no command. */
export function faultResponse(fault: Fault): ConnectResponse {
  const value = create(ErrorSchema, {
    code: fault.spec.code,
    reason: fault.reason,
    message: fault.message.toWellFormed(),
    retry: retries[fault.spec.retry],
    retryAfterMs: fault.retryAfterMs,
    field: fault.field.toWellFormed(),
  });
  return create(ConnectResponseSchema, {
    events: [create(EventSchema, { event: { case: 'error', value } })],
  });
}

export function encodeResponse(response: ConnectResponse): Uint8Array {
  return toBinary(ConnectResponseSchema, response);
}
