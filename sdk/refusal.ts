import type { Error as WireError } from '../gen/parley/chat/v1/error_pb.ts';
import { Retry } from '../gen/parley/chat/v1/error_pb.ts';
import { ChatError } from './types.ts';

/** The server's refusal as an error to throw. */
export function toChatError(error: WireError): ChatError {
  return new ChatError(
    error.reason === '' ? 'internal' : error.reason,
    error.message === '' ? error.reason : error.message,
    retryOf(error.retry),
    error.retryAfterMs,
  );
}

function retryOf(retry: Retry): 'never' | 'here' | 'elsewhere' {
  if (retry === Retry.HERE) return 'here';
  return retry === Retry.ELSEWHERE ? 'elsewhere' : 'never';
}

/** There is no session; the next one can do it. */
export function offline(): ChatError {
  return new ChatError('offline', 'not connected', 'elsewhere');
}
