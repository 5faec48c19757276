/** Who makes a call, as far as the bridge was told. */
export interface Caller {
  /** The header `authorization` as it came. */
  readonly authorization: string | undefined;
  /** In development, or for whom a service acts. */
  readonly user: string | undefined;
  readonly remoteAddress: string;
  /** The header `traceparent` (W3C) as it came. */
  readonly traceparent?: string | undefined;
}

/** The headers by which a call through `rpc` says who makes it. */
export function callHeaders(caller: Caller): Headers {
  const headers = new Headers({ 'parley-remote-address': caller.remoteAddress });
  if (caller.authorization !== undefined) headers.set('authorization', caller.authorization);
  if (caller.user !== undefined) headers.set('parley-user', caller.user);
  if (caller.traceparent !== undefined) headers.set('traceparent', caller.traceparent);
  return headers;
}
