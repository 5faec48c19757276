import { LRUCache } from 'lru-cache';
import type { Clock } from '../core/clock.ts';
import type { Mode } from '../core/core-options.ts';
import type { CallContext } from '../core/door.ts';
import { Fault } from '../core/fault.ts';
import { idProblem, type UserId } from '../core/ids.ts';
import { clockToleranceMs, type Identity, type TokenScope, type Tokens } from './token.ts';

/** Who makes a unary call. */
export interface Caller {
  /** `user`: itself. `delegate`: a service on behalf of a user. `bot`: a service in its own name. */
  readonly kind: 'user' | 'delegate' | 'bot';
  /** Whose rights count and whose name entries carry: the user's, or the service's own. */
  readonly userId: UserId;
  /** What the service behind the call may do; empty for users. */
  readonly scopes: ReadonlySet<TokenScope>;
}

/** Who a session is. `expiresAtMs` is Infinity where no token was needed. */
export interface SignedIn {
  readonly userId: UserId;
  readonly expiresAtMs: number;
}

const noScopes: ReadonlySet<TokenScope> = new Set();
/** Services call with the same token over and over, and a signature costs as much as half a unary call. */
const rememberedTokens = 2_000;

/** Decides who somebody is. Identity comes from here alone, never from a payload. */
export class Authenticator {
  readonly #mode: Mode;
  readonly #tokens: Pick<Tokens, 'verify'>;
  readonly #clock: Clock;
  readonly #verified = new LRUCache<string, Identity>({ max: rememberedTokens });

  constructor(parts: {
    readonly mode: Mode;
    readonly tokens: Pick<Tokens, 'verify'>;
    readonly clock: Clock;
  }) {
    this.#mode = parts.mode;
    this.#tokens = parts.tokens;
    this.#clock = parts.clock;
  }

  /** Whom the token names. Throws `tokenInvalid` or `tokenExpired`. */
  async verify(token: string): Promise<Identity> {
    const known = this.#verified.get(token);
    if (known === undefined) {
      const identity = await this.#tokens.verify(token);
      this.#verified.set(token, identity);
      return identity;
    }
    if (this.#clock.wallMs() < known.expiresAtMs + clockToleranceMs) return known;
    this.#verified.delete(token);
    throw new Fault('tokenExpired', { message: 'the token has expired' });
  }

  /**
   * Who a session is, from its hello. A name without a token does in development alone; a name beside a token must be
   * the token's own. Throws `tokenMissing`, `tokenInvalid`, `tokenExpired`, `developmentOnly` or `invalidId`.
   */
  async signIn(hello: { readonly token: string; readonly userId: string }): Promise<SignedIn> {
    if (hello.token === '') {
      if (hello.userId === '') throw new Fault('tokenMissing', { field: 'hello.token' });
      return { userId: this.#bareName(hello.userId, 'hello.user_id'), expiresAtMs: Number.POSITIVE_INFINITY };
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
    return { userId: identity.userId, expiresAtMs: identity.expiresAtMs };
  }

  /**
   * Who makes a unary call: the user of a user's token; the user that a service with scope `act` names in `parley-user`;
   * the service itself; in development also a name without a token. Throws as signIn does, and `scopeMissing`.
   */
  async resolveCaller(context: CallContext): Promise<Caller> {
    const { bearer, user } = context;
    if (bearer === undefined) {
      if (user === undefined)
        throw new Fault('tokenMissing', { message: 'authorization: Bearer … is needed' });
      return { kind: 'user', userId: this.#bareName(user, 'parley-user'), scopes: noScopes };
    }
    const identity = await this.verify(bearer);
    if (identity.kind === 'user') {
      if (user === undefined || user === identity.userId) {
        return { kind: 'user', userId: identity.userId, scopes: noScopes };
      }
      throw new Fault('scopeMissing', { message: 'only a service with the scope act calls for others' });
    }
    const { service, scopes } = identity;
    if (user === undefined) return { kind: 'bot', userId: service, scopes };
    const caller: Caller = { kind: 'delegate', userId: checkedId(user, 'parley-user'), scopes };
    requireScope(caller, 'act');
    return caller;
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

/** Throws `scopeMissing` unless a service with this scope is behind the call. */
export function requireScope(caller: Caller, scope: TokenScope): void {
  if (caller.scopes.has(scope)) return;
  throw new Fault('scopeMissing', { message: `a service token with the scope ${scope} is needed` });
}

function checkedId(name: string, field: string): UserId {
  const problem = idProblem(name);
  if (problem) throw new Fault('invalidId', { message: `the user id ${problem}`, field });
  return name as UserId;
}
