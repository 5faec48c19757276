import { bearerToken, namedUser } from '../core/call-headers.ts';
import type { CallContext } from '../core/door.ts';

/** Who calls, from the headers of a call. `remoteAddress` is what the carrier knows by itself. */
export function callContext(headers: Headers, remoteAddress: string): CallContext {
  return {
    bearer: bearerToken(headers.get('authorization') ?? undefined),
    user: namedUser(headers.get('parley-user') ?? undefined),
    remoteAddress,
    traceparent: headers.get('traceparent') ?? undefined,
  };
}
