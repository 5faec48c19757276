import { type KeyObject, verify } from 'node:crypto';

/** A signed token (RFC 7519) taken apart by other means than those that made it. */
export interface Signed {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
  /** Whether this key's owner has signed it, by ES256 or RS256 as the header says. */
  signedBy(key: KeyObject): boolean;
}

/** Undefined for what is no token. */
export function takeApart(token: string): Signed | undefined {
  const parts = token.split('.');
  const [header = '', claims = '', signature = ''] = parts;
  if (parts.length !== 3) return undefined;
  try {
    const json = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString());
    const parsed = { header: json(header), claims: json(claims) };
    return {
      ...parsed,
      signedBy: (key) => {
        const kind = parsed.header.alg === 'ES256' ? 'ec' : parsed.header.alg === 'RS256' ? 'rsa' : 'none';
        if (key.asymmetricKeyType !== kind) return false;
        const bytes = Buffer.from(`${header}.${claims}`);
        const how = kind === 'ec' ? { key, dsaEncoding: 'ieee-p1363' as const } : { key };
        return verify('sha256', bytes, how, Buffer.from(signature, 'base64url'));
      },
    };
  } catch {
    return undefined;
  }
}
