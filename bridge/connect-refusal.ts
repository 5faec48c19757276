import { create, toBinary } from '@bufbuild/protobuf';
import { type Code, ConnectError } from '@connectrpc/connect';
import type { UniversalServerResponse } from '@connectrpc/connect/protocol';
import { type Error as ErrorMessage, ErrorSchema, Retry } from '../gen/parley/chat/v1/error_pb.ts';
import { Fault, type FaultReason } from '../services/core/fault.ts';
import { type Problem, problem } from './problem.ts';

interface ConnectErrorJson {
  code?: string;
  message?: string;
  details?: unknown[];
}

/** What connect-es refuses by itself, before a call is passed on, as a fault of ours. */
const reasons: Record<string, FaultReason> = {
  invalid_argument: 'malformedFrame',
  resource_exhausted: 'frameTooLarge',
  // A compressed body.
  unimplemented: 'unsupportedFrame',
};

/** A fault as an error of connect-es. */
export function refusalOf(fault: Fault): ConnectError {
  const detail = { desc: ErrorSchema, value: errorOf(fault) };
  // Both number their codes as gRPC does.
  return new ConnectError(fault.message.toWellFormed(), fault.spec.code as Code, undefined, [detail]);
}

/** What connect-es refuses without a word. */
export function bareRefusal(status: number): Problem {
  if (status === 405) return problem(405, 'methodNotAllowed', 'calls are made by POST');
  if (status === 415) return problem(415, 'unsupportedFrame', 'calls are JSON or protobuf');
  return problem(status, 'badRequest', 'not a call');
}

/**
 * Completes what connect-es answers by itself to a Connect call that it can't read: bytes that are no protobuf are the
 * caller's mistake, not an internal error, and every refusal names a stable reason.
 */
export async function completeRefusal(answer: UniversalServerResponse): Promise<UniversalServerResponse> {
  if (answer.status < 400 || answer.body === undefined) return answer;
  const chunks: Uint8Array[] = [];
  for await (const chunk of answer.body) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  const whole = (body: Buffer, status = answer.status): UniversalServerResponse => {
    const header = new Headers(answer.header);
    header.delete('content-length');
    return { ...answer, status, header, body: once(body) };
  };
  const error = parse(bytes);
  if (error === undefined || error.details !== undefined) return whole(bytes);
  const unreadable = error.message?.startsWith('parse binary: ') === true;
  if (unreadable) error.code = 'invalid_argument';
  const reason = reasons[error.code ?? ''];
  if (reason === undefined) return whole(bytes);
  error.details = [detail(new Fault(reason, { message: error.message ?? '' }))];
  const compressed = reason === 'unsupportedFrame';
  if (compressed) error.code = 'invalid_argument';
  return whole(Buffer.from(JSON.stringify(error)), unreadable ? 400 : compressed ? 415 : answer.status);
}

function parse(bytes: Buffer): ConnectErrorJson | undefined {
  try {
    return JSON.parse(bytes.toString()) as ConnectErrorJson;
  } catch {
    return undefined;
  }
}

function errorOf({ reason, message, field, spec }: Fault): ErrorMessage {
  return create(ErrorSchema, {
    code: spec.code,
    reason,
    message: message.toWellFormed(),
    retry: Retry.NEVER,
    field: field.toWellFormed(),
  });
}

function detail(fault: Fault): object {
  const value = Buffer.from(toBinary(ErrorSchema, errorOf(fault)))
    .toString('base64')
    .replace(/=+$/, '');
  return { type: ErrorSchema.typeName, value };
}

async function* once(body: Buffer): AsyncGenerator<Uint8Array, void> {
  yield body;
}
