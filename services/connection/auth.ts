import { LRUCache } from 'lru-cache';
import type { Clock } from '../core/clock.ts';
import type { Mode } from '../core/core-options.ts';
import type { CallContext } from '../core/door.ts';
import { Fault } from '../core/fault.ts';
import { idProblem, type UserId } from '../core/ids.ts';
import type { Revocation, Revocations } from '../ports/directory.ts';
import type { ConnectionMeters } from './meters.ts';
import { checkRevoked, type Credential } from './revocation-check.ts';
import { clockToleranceMs, type Identity, type TokenScope, type Tokens } from './token.ts';

/** Who makes a unary call. */
export interface Caller {
  /** `user`: itself. `delegate`: a service on behalf of a user. `bot`: a service in its own name. */
  readonly kind: 'user' | 'delegate' | 'bot';
  /** Whose rights count and whose name entries carry: the user's, or the service's own. */
  readonly userId: UserId;
  /** The service behind the call; empty for users. */
  readonly service: string;
  /** What the service behind the call may do; empty for users. */
  readonly scopes: ReadonlySet<TokenScope>;
}

/** Who a session is. Where no token was needed, `expiresAtMs` is Infinity and `issuedAtMs` is 0. */
export interface SignedIn {
  readonly userId: UserId;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
}

interface Remembered {
  readonly identity: Identity;
  /** The directory was asked and knew of no revocation, when so many had been told of; −1: it was not asked yet. */
  goodAt: number;
}

const noScopes: ReadonlySet<TokenScope> = new Set();
/** Services call with the same token over and over, and a signature costs as much as half a unary call. */
const rememberedTokens = 2_000;
/** Users whose last revocation is remembered; beyond, every token is asked about again. */
const namesAtMost = 10_000;

/** Decides who somebody is. Identity comes from here alone, never from a payload. */
export class Authenticator {
  readonly #mode: Mode;
  readonly #tokens: Pick<Tokens, 'verify'>;
  readonly #clock: Clock;
  readonly #revocations: Pick<Revocations, 'of'>;
  readonly #meters: ConnectionMeters;
  readonly #verified = new LRUCache<string, Remembered>({ max: rememberedTokens });
  /** Revocations told of so far, and for each user the number of the last one that named him. */
  #told = 0;
  readonly #lastOf = new Map<UserId, number>();
  /** Of those up to this number it is not remembered whom they named. */
  #forgotten = 0;

  constructor(parts: {
    readonly mode: Mode;
    readonly tokens: Pick<Tokens, 'verify'>;
    readonly clock: Clock;
    readonly revocations: Pick<Revocations, 'of'>;
    readonly meters: ConnectionMeters;
  }) {
    this.#mode = parts.mode;
    this.#tokens = parts.tokens;
    this.#clock = parts.clock;
    this.#revocations = parts.revocations;
    this.#meters = parts.meters;
  }

  /** Tokens of this user are looked at again before the next call. */
  revoked({ userId }: Revocation): void {
    this.#told += 1;
    this.#lastOf.set(userId, this.#told);
    if (this.#lastOf.size <= namesAtMost) return;
    this.#lastOf.clear();
    this.#forgotten = this.#told;
  }

  /** Throws `tokenRevoked`. False where the directory could not say, which lets pass. */
  async check(credential: Credential): Promise<boolean> {
    return checkRevoked(credential, { revocations: this.#revocations, meters: this.#meters });
  }

  /** Whom the token names. Throws `tokenInvalid` or `tokenExpired`. */
  async verify(token: string): Promise<Identity> {
    const known = this.#verified.get(token)?.identity;
    if (known === undefined) {
      const identity = await this.#tokens.verify(token);
      this.#verified.set(token, { identity, goodAt: -1 });
      return identity;
    }
    if (this.#clock.wallMs() < known.expiresAtMs + clockToleranceMs) return known;
    this.#verified.delete(token);
    throw new Fault('tokenExpired', { message: 'the token has expired' });
  }

  /**
   * Who a session is, from its hello. A name without a token does in development alone; a name beside a token must be
   * the token's own. Whether the token was revoked is for `check`. Throws `tokenMissing`, `tokenInvalid`, `tokenExpired`, `developmentOnly` or `invalidId`.
   */
  async signIn(hello: { readonly token: string; readonly userId: string }): Promise<SignedIn> {
    if (hello.token === '') {
      if (hello.userId === '') throw new Fault('tokenMissing', { field: 'hello.token' });
      const userId = this.#bareName(hello.userId, 'hello.user_id');
      return { userId, issuedAtMs: 0, expiresAtMs: Number.POSITIVE_INFINITY };
    }
    const identity = await this.verify(hello.token);
    if (identity.kind === 'service') {
      throw new Fault('tokenInvalid', {
        message: 'a service token opens no session; use a token of a user',
        field: 'hello.token',
      });
    }
    if (hello.userId !== '' && hello.userId !== identity.userId) {
      throw new Fault('tokenInvalid', { message: 'the token is of another user', field: 'hello.user_id' });
    }
    const { userId, issuedAtMs, expiresAtMs } = identity;
    return { userId, issuedAtMs, expiresAtMs };
  }

  /**
   * Who makes a unary call: the user of a user's token; the user that a service with scope `act` names in `parley-user`;
   * the service itself; in development also a name without a token. Throws as signIn does, `tokenRevoked`, and `scopeMissing`.
   */
  async resolveCaller(context: CallContext): Promise<Caller> {
    const { bearer, user } = context;
    if (bearer === undefined) {
      if (user === undefined)
        throw new Fault('tokenMissing', { message: 'authorization: Bearer … is needed' });
      return { kind: 'user', userId: this.#bareName(user, 'parley-user'), service: '', scopes: noScopes };
    }
    const identity = await this.verify(bearer);
    await this.#checkOnce(bearer, identity);
    if (identity.kind === 'user') {
      if (user === undefined || user === identity.userId) {
        return { kind: 'user', userId: identity.userId, service: '', scopes: noScopes };
      }
      throw new Fault('scopeMissing', { message: 'only a service with the scope act calls for others' });
    }
    const { service, scopes } = identity;
    if (user === undefined) return { kind: 'bot', userId: service, service, scopes };
    const caller: Caller = { kind: 'delegate', userId: checkedId(user, 'parley-user'), service, scopes };
    requireScope(caller, 'act');
    return caller;
  }

  /** A call costs no question to the directory, unless its token is new here or somebody revoked tokens of its user. */
  async #checkOnce(token: string, identity: Identity): Promise<void> {
    const userId = nameOf(identity);
    const last = Math.max(this.#forgotten, this.#lastOf.get(userId) ?? 0);
    const goodAt = this.#verified.get(token)?.goodAt ?? -1;
    if (goodAt >= last) return;
    const told = this.#told;
    const { issuedAtMs } = identity;
    const asked = await this.check({ userId, deviceId: '', issuedAtMs });
    const remembered = this.#verified.get(token);
    if (asked && remembered !== undefined) remembered.goodAt = told;
  }

  #bareName(name: string, field: string): UserId {
    if (this.#mode !== 'development') {
      throw new Fault('developmentOnly', {
        message: 'a name without a token works in development only',
        field,
      });
    }
    return checkedId(name, field);
  }
}

function nameOf(identity: Identity): UserId {
  return identity.kind === 'user' ? identity.userId : identity.service;
}

/** Throws `scopeMissing` unless a service with this scope is behind the call. */
export function requireScope(caller: Caller, scope: TokenScope): void {
  if (caller.scopes.has(scope)) return;
  throw new Fault('scopeMissing', { message: `a service token with the scope ${scope} is needed` });
}

/** Throws `scopeMissing` unless a service is behind the call, whatever it may do. */
export function requireService(caller: Caller): void {
  if (caller.kind !== 'user') return;
  throw new Fault('scopeMissing', { message: 'a service token is needed' });
}

function checkedId(name: string, field: string): UserId {
  const problem = idProblem(name);
  if (problem) throw new Fault('invalidId', { message: `the user id ${problem}`, field });
  return name as UserId;
}
