const bearer = /^Bearer +(\S+) *$/i;

/** The token of an `authorization` header; undefined when there is none of the kind. */
export function bearerToken(authorization: string | undefined): string | undefined {
  return authorization === undefined ? undefined : bearer.exec(authorization)?.[1];
}

/** The user of a `parley-user` header. Headers hold ASCII alone, so other characters come percent-encoded. */
export function namedUser(header: string | undefined): string | undefined {
  if (header === undefined || header === '') return undefined;
  try {
    return decodeURIComponent(header);
  } catch {
    // A percent sign that encodes nothing stands for itself.
    return header;
  }
}
