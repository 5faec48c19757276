import { fromBinary } from '@bufbuild/protobuf';
import { ErrorSchema } from '../gen/parley/chat/v1/error_pb.ts';
import { toChatError } from './refusal.ts';
import { ChatError } from './types.ts';

const errorType = 'parley.chat.v1.Error';

interface ConnectErrorBody {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly details?: readonly { readonly type?: unknown; readonly value?: unknown }[];
}

/** The error of a unary call by the Connect protocol: JSON whose detail is the server's own error. */
export function connectError(status: number, body: Uint8Array): ChatError {
  try {
    const json = JSON.parse(new TextDecoder().decode(body)) as ConnectErrorBody;
    const detail = json.details?.find((one) => one.type === errorType);
    if (typeof detail?.value === 'string')
      return toChatError(fromBinary(ErrorSchema, fromBase64(detail.value)));
    return withoutDetail(status, String(json.message ?? json.code ?? `HTTP ${status}`));
  } catch {
    return withoutDetail(status, `HTTP ${status}`);
  }
}

/** Something in between answered, or a server that is not ours: only what may pass is tried again. */
function withoutDetail(status: number, message: string): ChatError {
  if (status === 401) return new ChatError('tokenInvalid', message);
  if (status === 404) return new ChatError('notFound', message);
  const later = status === 408 || status === 429 || status >= 500;
  return new ChatError(later ? 'upstreamUnavailable' : 'refused', message, later ? 'elsewhere' : 'never');
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}
