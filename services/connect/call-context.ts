import type { CallContext } from '../core/door.ts';

const bearer = /^Bearer +([^\s]+) *$/i;

/** Who calls, from the headers of a call. `remoteAddress` is what the carrier knows by itself. */
export function callContext(headers: Headers, remoteAddress: string): CallContext {
  const user = headers.get('parley-user');
  return {
    bearer: bearer.exec(headers.get('authorization') ?? '')?.[1],
    user: user === null || user === '' ? undefined : decodeUser(user),
    remoteAddress,
  };
}

/** Headers hold ASCII alone: other characters come percent-encoded. */
function decodeUser(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
