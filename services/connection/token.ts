import { createSecretKey, type KeyObject } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import type { Clock } from '../core/clock.ts';
import { Fault } from '../core/fault.ts';
import { idProblem, type UserId } from '../core/ids.ts';

/**
 * Tokens: JWTs signed with HS256 and nothing else, for the audience `parley`, always with an expiry, which is at most
 * `longestTokenSeconds` away: a revocation is kept no longer than that, whoever signed the token. Claims: `sub` is the
 * user, or with `svc: true` the service, whose `scope` lists what it may do, separated by spaces.
 */

/** What a service may be allowed to do. */
export const tokenScopes = ['send', 'act', 'groups', 'tokens', 'ids', 'import', 'admin'] as const;
export type TokenScope = (typeof tokenScopes)[number];

/** Whom a token names. */
export type Identity = Validity &
  (
    | { readonly kind: 'user'; readonly userId: UserId }
    | { readonly kind: 'service'; readonly service: UserId; readonly scopes: ReadonlySet<TokenScope> }
  );

interface Validity {
  /** 0 where the token does not say. */
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
}

export const tokenTtlSeconds = { least: 60, most: 2_592_000, usual: 86_400 } as const;

/** Services are set up by people, not by code that could fetch a new token every day. */
export const longestTokenSeconds = 366 * 86_400;

const audience = 'parley';
const maxTokenLength = 4_096;
/** Clocks of issuer and server may differ by this much. */
export const clockToleranceMs = 5_000;

export interface IssuedToken {
  readonly token: string;
  readonly expiresAtMs: number;
}

export class Tokens {
  readonly #keys: readonly [KeyObject, ...KeyObject[]];
  readonly #clock: Clock;

  /** The first secret signs, all of them verify: put a new one in front, and drop the old one after the longest ttl. */
  constructor(secrets: readonly [string, ...string[]], clock: Clock) {
    const key = (secret: string) => createSecretKey(Buffer.from(secret, 'utf8'));
    const [first, ...older] = secrets;
    this.#keys = [key(first), ...older.map(key)];
    this.#clock = clock;
  }

  /** A token for a user. Throws `invalidId`. */
  issueUser(userId: string, ttlSeconds: number): Promise<IssuedToken> {
    return this.#issue(userId, ttlSeconds, {});
  }

  /** A token for an internal service. Throws `invalidId`. */
  issueService(service: string, scopes: readonly TokenScope[], ttlSeconds: number): Promise<IssuedToken> {
    return this.#issue(service, ttlSeconds, { svc: true, scope: scopes.join(' ') });
  }

  async #issue(sub: string, ttlSeconds: number, claims: Record<string, unknown>): Promise<IssuedToken> {
    const problem = idProblem(sub);
    if (problem) throw new Fault('invalidId', { message: `the name ${problem}` });
    const now = Math.floor(this.#clock.wallMs() / 1000);
    const token = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setSubject(sub)
      .setAudience(audience)
      .setIssuedAt(now)
      .setExpirationTime(now + ttlSeconds)
      .sign(this.#keys[0]);
    return { token, expiresAtMs: (now + ttlSeconds) * 1000 };
  }

  /** Whom the token names. Throws `tokenInvalid` or `tokenExpired`, the latter only when the signature was good. */
  async verify(token: string): Promise<Identity> {
    if (token.length > maxTokenLength) {
      throw new Fault('tokenInvalid', { message: `the token is longer than ${maxTokenLength} characters` });
    }
    for (const key of this.#keys) {
      try {
        const { payload } = await jwtVerify(token, key, {
          algorithms: ['HS256'],
          audience,
          requiredClaims: ['sub', 'exp'],
          clockTolerance: clockToleranceMs / 1000,
          currentDate: new Date(this.#clock.wallMs()),
        });
        const identity = identityOf(payload);
        this.#assertRevocable(identity);
        return identity;
      } catch (error) {
        // Signed with another secret, maybe the next one.
        if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw toTokenFault(error);
      }
    }
    throw new Fault('tokenInvalid', { message: 'the token is not signed by this deployment' });
  }

  /** By `iat` as well: what is too long now would be short enough some day, when the revocation that it had is gone. */
  #assertRevocable({ issuedAtMs, expiresAtMs }: Validity): void {
    const nowMs = this.#clock.wallMs();
    // A revocation means what was issued until then: what comes from the future would outlive it.
    if (issuedAtMs > nowMs + clockToleranceMs) {
      const message = 'the token was issued in the future: `iat` is in seconds, by a clock that is right';
      throw new Fault('tokenInvalid', { message });
    }
    const fromMs = Math.min(nowMs, issuedAtMs === 0 ? Number.POSITIVE_INFINITY : issuedAtMs);
    if (expiresAtMs <= fromMs + longestTokenSeconds * 1_000 + clockToleranceMs) return;
    const message = `the token is valid for more than ${longestTokenSeconds / 86_400} days, longer than a revocation is kept`;
    throw new Fault('tokenInvalid', { message });
  }
}

function identityOf(claims: Readonly<Record<string, unknown>>): Identity {
  const { sub, exp, iat, svc, scope } = claims;
  if (typeof sub !== 'string' || typeof exp !== 'number') throw malformed('sub and exp are needed');
  const problem = idProblem(sub);
  if (problem) throw malformed(`sub ${problem}`);
  const validity = { issuedAtMs: typeof iat === 'number' ? iat * 1000 : 0, expiresAtMs: exp * 1000 };
  if (svc === undefined || svc === false) return { kind: 'user', userId: sub as UserId, ...validity };
  if (svc !== true) throw malformed('svc is true or absent');
  if (scope !== undefined && typeof scope !== 'string') throw malformed('scope is a text');
  // Scopes that this version does not know grant nothing here.
  const named = new Set((scope ?? '').split(' '));
  const scopes = new Set(tokenScopes.filter((known) => named.has(known)));
  return { kind: 'service', service: sub as UserId, scopes, ...validity };
}

function malformed(message: string): Fault {
  return new Fault('tokenInvalid', { message: `the token's claims are malformed: ${message}` });
}

function toTokenFault(error: unknown): unknown {
  if (error instanceof errors.JWTExpired) {
    return new Fault('tokenExpired', { message: 'the token has expired' });
  }
  if (error instanceof errors.JOSEError) {
    return new Fault('tokenInvalid', { message: 'the token is not valid here', cause: error });
  }
  return error;
}
