/**
 * Whom a JWT is about, unverified: only to keep users of one browser apart. Tokens without a subject share a place, and
 * the client drops what another user left there.
 */
export function tokenSubject(token: string): string {
  try {
    const part = (token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/');
    const bytes = Uint8Array.from(atob(part), (character) => character.charCodeAt(0));
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof claims === 'object' && claims !== null && 'sub' in claims && typeof claims.sub === 'string')
      return claims.sub;
  } catch {
    // The server will say what it thinks of this token.
  }
  return '';
}
