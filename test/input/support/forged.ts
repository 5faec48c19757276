import { createHmac } from 'node:crypto';
import { secret } from './production.ts';

type Claims = Readonly<Record<string, unknown>>;

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
export const inAnHour = () => Math.floor(Date.now() / 1_000) + 3_600;

/** A JWT with any header and claims, signed with any key. */
export function jwt(
  claims: Claims,
  header: Claims = { alg: 'HS256', typ: 'JWT' },
  key: string = secret,
): string {
  const signed = `${part(header)}.${part(claims)}`;
  const hash = header.alg === 'HS512' ? 'sha512' : 'sha256';
  return `${signed}.${createHmac(hash, key).update(signed).digest('base64url')}`;
}

/** Claims of ann that this deployment would take, changed. */
export function claims(changed: Claims = {}): Claims {
  return { sub: 'ann', aud: 'parley', exp: inAnHour(), ...changed };
}

/** Tokens that nobody may sign in with, and the reason. */
export const badTokens: readonly (readonly [string, string, 'tokenInvalid' | 'tokenExpired'])[] = [
  ['no token at all', 'nonsense', 'tokenInvalid'],
  ['three empty parts', '..', 'tokenInvalid'],
  ['a token of 5,000 characters', 'x'.repeat(5_000), 'tokenInvalid'],
  ['an expired token', jwt(claims({ exp: 1_000 })), 'tokenExpired'],
  ['a token without an end', jwt(claims({ exp: undefined })), 'tokenInvalid'],
  ['an end that is a text', jwt(claims({ exp: '9999999999' })), 'tokenInvalid'],
  [
    'a token of another secret',
    jwt(claims(), undefined, 'another secret, of another deployment'),
    'tokenInvalid',
  ],
  ['an empty secret', jwt(claims(), undefined, ''), 'tokenInvalid'],
  ['an expired token of another secret', jwt(claims({ exp: 1_000 }), undefined, 'another'), 'tokenInvalid'],
  ['a token for others', jwt(claims({ aud: 'chat' })), 'tokenInvalid'],
  ['a token for nobody', jwt(claims({ aud: undefined })), 'tokenInvalid'],
  ['a token not yet valid', jwt(claims({ nbf: 9_999_999_999 })), 'tokenInvalid'],
  ['no algorithm', `${jwt(claims(), { alg: 'none' }).split('.').slice(0, 2).join('.')}.`, 'tokenInvalid'],
  ['no algorithm, signed', jwt(claims(), { alg: 'none' }), 'tokenInvalid'],
  ['another algorithm', jwt(claims(), { alg: 'HS512' }), 'tokenInvalid'],
  ['a key of its own', jwt(claims(), { alg: 'HS256', jwk: { kty: 'oct', k: 'AA' } }, '\0'), 'tokenInvalid'],
  ['a critical header', jwt(claims(), { alg: 'HS256', crit: ['b64'], b64: false }), 'tokenInvalid'],
  ['nobody’s token', jwt(claims({ sub: undefined })), 'tokenInvalid'],
  ['a name that is a number', jwt(claims({ sub: 7 })), 'tokenInvalid'],
  ['a name that is none', jwt(claims({ sub: 'a\n' })), 'tokenInvalid'],
  ['a service that is neither', jwt(claims({ svc: 'yes' })), 'tokenInvalid'],
  [
    'other claims under the signature of ours',
    `${jwt(claims()).split('.')[0]}.${part(claims({ sub: 'bob' }))}.${jwt(claims()).split('.')[2]}`,
    'tokenInvalid',
  ],
];
