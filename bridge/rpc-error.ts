import { Code, ConnectError } from '@connectrpc/connect';
import { ErrorSchema, Retry } from '../gen/parley/chat/v1/error_pb.ts';
import { Fault } from '../services/core/fault.ts';

/**
 * How calls end whose connection does not come about, or breaks: the streams of one that breaks count as cancelled. Who
 * has cancelled a call himself hears no more of it.
 */
const lost: ReadonlySet<Code> = new Set([Code.Unavailable, Code.Canceled]);

/**
 * An error of a call that was passed on, as it may go to the client: refusals as they are, without the other hop's
 * headers (its length and encoding must not become this answer's); a node out of reach without its address.
 */
export function rpcError(thrown: unknown): ConnectError {
  const from = ConnectError.from(thrown);
  const refused = from.findDetails(ErrorSchema).length > 0;
  if (!refused && lost.has(from.code)) return outOfReach(from);
  const clean = new ConnectError(from.rawMessage, from.code, undefined, undefined, from.cause);
  clean.details = from.details;
  return clean;
}

function outOfReach(cause: ConnectError): ConnectError {
  const { reason, message, spec } = new Fault('upstreamUnavailable', {
    message: 'the connection node is out of reach',
  });
  const value = { code: spec.code, reason, message, retry: Retry.ELSEWHERE };
  return new ConnectError(message, Code.Unavailable, undefined, [{ desc: ErrorSchema, value }], cause);
}
