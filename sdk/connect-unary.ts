import {
  create,
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { connectError } from './connect-error.ts';
import { ChatError } from './types.ts';

export interface ConnectCall {
  /** Where the server is; empty for where a page is from. */
  readonly baseUrl: string;
  /** Who calls. */
  readonly headers: Readonly<Record<string, string>>;
  /** A call that is not answered in this time has failed; the server hears of it. */
  readonly timeoutMs: number;
  readonly fetch: typeof fetch;
  /** How the request treats caches and cookies, where it is not the runtime's way. */
  readonly init?: Pick<RequestInit, 'cache' | 'credentials'>;
}

/**
 * One unary call by the Connect protocol. Rejects with a ChatError: `connectionLost` where there is no answer, else what
 * the server says. A request that can't be encoded rejects as that, and asks nobody.
 */
export async function connectUnary<I extends DescMessage, O extends DescMessage>(
  { baseUrl, headers, timeoutMs, fetch: ask, init }: ConnectCall,
  method: DescMethodUnary<I, O>,
  request: MessageInitShape<I>,
): Promise<MessageShape<O>> {
  const encoded = toBinary(method.input, create(method.input, request)) as Uint8Array<ArrayBuffer>;
  let response: Response;
  let body: Uint8Array;
  try {
    // Not as a method of the call: the browser's fetch refuses that.
    response = await ask(`${baseUrl}/${method.parent.typeName}/${method.name}`, {
      ...init,
      method: 'POST',
      headers: {
        ...headers,
        'content-type': 'application/proto',
        'connect-protocol-version': '1',
        'connect-timeout-ms': String(timeoutMs),
      },
      body: encoded,
      signal: AbortSignal.timeout(timeoutMs),
    });
    body = new Uint8Array(await response.arrayBuffer());
  } catch {
    throw new ChatError('connectionLost', 'the server did not answer', 'elsewhere');
  }
  if (response.status !== 200) throw connectError(response.status, body);
  return fromBinary(method.output, body);
}
