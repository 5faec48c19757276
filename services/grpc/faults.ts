import { create, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { Metadata } from '@grpc/grpc-js';
import { ErrorSchema, Retry } from '../../gen/parley/chat/v1/error_pb.ts';
import { Code, Fault, faults, type RetryAdvice } from '../core/fault.ts';

/** How faults look in gRPC: a status, and in its trailers a `parley.chat.v1.Error`. */

/** The error itself, for clients of ours. */
export const errorKey = 'parley-error-bin';
/** The same wrapped in a google.rpc.Status, where foreign tools look for details. */
export const statusDetailsKey = 'grpc-status-details-bin';

const retries: Record<RetryAdvice, Retry> = {
  never: Retry.NEVER,
  here: Retry.HERE,
  elsewhere: Retry.ELSEWHERE,
};

export interface GrpcStatus {
  readonly code: number;
  readonly details: string;
  readonly metadata: Metadata;
}

export function toStatus(fault: Fault): GrpcStatus {
  const { code, retry } = fault.spec;
  // The status message travels percent-encoded, which a lone surrogate can't be; trailers have a size limit.
  const message = fault.message.toWellFormed().slice(0, 500).toWellFormed();
  const error = toBinary(
    ErrorSchema,
    create(ErrorSchema, {
      code,
      reason: fault.reason,
      message,
      retry: retries[retry],
      retryAfterMs: fault.retryAfterMs,
      field: fault.field.toWellFormed().slice(0, 200).toWellFormed(),
    }),
  );
  const metadata = new Metadata();
  metadata.set(errorKey, Buffer.from(error));
  metadata.set(statusDetailsKey, rpcStatus(code, message, error));
  return { code, details: message, metadata };
}

/** An encoded google.rpc.Status whose only detail is the error. */
function rpcStatus(code: number, message: string, error: Uint8Array): Buffer {
  const any = new BinaryWriter();
  any.uint32((1 << 3) | 2).string(`type.googleapis.com/${ErrorSchema.typeName}`);
  any.uint32((2 << 3) | 2).bytes(error);
  const status = new BinaryWriter();
  status.uint32(1 << 3).int32(code);
  status.uint32((2 << 3) | 2).string(message);
  status.uint32((3 << 3) | 2).bytes(any.finish());
  return Buffer.from(status.finish());
}

/** The status that ends a session which the connection node closed; undefined for an ordinary end. */
export function closeStatus(closeCode: number, reason: string): GrpcStatus | undefined {
  if (Object.hasOwn(faults, reason)) return toStatus(new Fault(reason as keyof typeof faults));
  if (closeCode < 4000) return undefined;
  const code = closeCode >= 4500 ? Code.Unavailable : Code.FailedPrecondition;
  return { code, details: reason.toWellFormed(), metadata: new Metadata() };
}
