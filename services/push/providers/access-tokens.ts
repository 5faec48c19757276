import { Agent } from 'node:https';
import { SignJWT } from 'jose';
import { backoffMs } from '../../core/backoff.ts';
import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/log.ts';
import { httpPost, readBody } from '../http-post.ts';
import type { PushOutcome } from '../provider.ts';
import { retryOutcome } from './retry-outcome.ts';
import type { ServiceAccount } from './service-account.ts';

export interface AccessTokensInit {
  readonly account: ServiceAccount;
  readonly ca: string | undefined;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

/** A token, or what becomes of pushes for want of one. */
export type Access =
  | { readonly t: 'token'; readonly token: string }
  | { readonly t: 'none'; readonly outcome: PushOutcome };

interface Token {
  readonly token: string;
  /** By the monotonic clock. */
  readonly endsAtMs: number;
}

const scope = 'https://www.googleapis.com/auth/firebase.messaging';
const grantType = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const assertionSeconds = 3_600;
/** A token with less than this left is renewed while it is still used, and with less than that is not used any more. */
const renewMs = 300_000;
const leastMs = 30_000;
const longestMs = 12 * 3_600_000;
const backoff = { firstMs: 1_000, maxMs: 60_000 };

/**
 * Access tokens of a service account, by a signed assertion (RFC 7523). One request at a time, whoever asks; a token is
 * renewed before it ends; after a failure nobody asks again for a while.
 */
export class AccessTokens {
  readonly #init: AccessTokensInit;
  readonly #agent: Agent;
  #token: Token | undefined;
  #renewal: Promise<void> | undefined;
  #failures = 0;
  #askAgainAtMs = Number.NEGATIVE_INFINITY;
  #lastFailure: PushOutcome = { t: 'retry', reason: 'no access token' };

  constructor(init: AccessTokensInit) {
    this.#init = init;
    this.#agent = new Agent({ maxSockets: 1, ...(init.ca === undefined ? {} : { ca: init.ca }) });
  }

  async current(): Promise<Access> {
    const left = this.#left();
    if (left < renewMs) {
      const renewal = this.#renew();
      if (left < leastMs) await renewal;
    }
    if (this.#token !== undefined && this.#left() >= leastMs) return { t: 'token', token: this.#token.token };
    return { t: 'none', outcome: this.#lastFailure };
  }

  /** The service does not take this token: the next one to ask gets another. */
  forget(token: string): void {
    if (this.#token?.token === token) this.#token = undefined;
  }

  close(): void {
    this.#agent.destroy();
  }

  #left(): number {
    return (this.#token?.endsAtMs ?? Number.NEGATIVE_INFINITY) - this.#init.clock.monotonicMs();
  }

  #renew(): Promise<void> {
    const waitMs = this.#askAgainAtMs - this.#init.clock.monotonicMs();
    if (this.#renewal === undefined && waitMs > 0) return Promise.resolve();
    this.#renewal ??= this.#ask().finally(() => {
      this.#renewal = undefined;
    });
    return this.#renewal;
  }

  /** Never rejects: nobody may be there to hear it. */
  async #ask(): Promise<void> {
    try {
      await this.#grant();
    } catch (error) {
      this.#failed({ t: 'retry', reason: `token: ${(error as Error).name}` });
    }
  }

  async #grant(): Promise<void> {
    const { account, timeoutMs, clock } = this.#init;
    const askedAtMs = clock.monotonicMs();
    const answer = await httpPost({
      url: account.tokenUrl,
      agent: this.#agent,
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
      body: Buffer.from(
        new URLSearchParams({ grant_type: grantType, assertion: await this.#assertion() }).toString(),
      ),
      timeoutMs,
    });
    if (answer.t === 'failed') return this.#failed({ t: 'retry', reason: `token: ${answer.reason}` });
    const { statusCode: status = 0, headers } = answer.response;
    const content = parsed((await readBody(answer.response)) ?? '');
    if (status === 200) {
      const token = tokenIn(content, askedAtMs);
      if (token === undefined) {
        return this.#failed({ t: 'retry', reason: 'token: the answer makes no sense' });
      }
      this.#token = token;
      this.#failures = 0;
      return;
    }
    const { error } = content;
    const word = typeof error === 'string' && /^[a-z_]{1,40}$/.test(error) ? error : `status ${status}`;
    const reason = `token: ${word}`;
    // A service account that is refused stays so until somebody gives it its rights.
    const mendable = status === 429 || status === 408 || status >= 500;
    this.#failed(
      mendable ? retryOutcome(reason, headers['retry-after'], clock.wallMs()) : { t: 'rejected', reason },
    );
  }

  #assertion(): Promise<string> {
    const { account, clock } = this.#init;
    const now = Math.floor(clock.wallMs() / 1_000);
    return new SignJWT({ scope })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: account.keyId })
      .setIssuer(account.email)
      .setAudience(account.tokenUrl.href)
      .setIssuedAt(now)
      .setExpirationTime(now + assertionSeconds)
      .sign(account.key);
  }

  #failed(outcome: Exclude<PushOutcome, { readonly t: 'sent' }>): void {
    const { clock, random, log } = this.#init;
    const waitMs = backoffMs(this.#failures, backoff, random);
    this.#failures += 1;
    this.#askAgainAtMs = clock.monotonicMs() + waitMs;
    this.#lastFailure = outcome;
    log.warn('there is no access token for FCM', {
      'event.action': 'fcm-token-failed',
      'parley.reason': outcome.reason,
      'parley.wait_ms': waitMs,
    });
  }
}

function parsed(body: string): Readonly<Record<string, unknown>> {
  try {
    const content: unknown = JSON.parse(body);
    return typeof content === 'object' && content !== null ? (content as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** Undefined where the answer holds no token that could be used as a header, or one that ends at once. */
function tokenIn(content: Readonly<Record<string, unknown>>, askedAtMs: number): Token | undefined {
  const { access_token: token, expires_in: seconds } = content;
  if (typeof token !== 'string' || !/^[\x21-\x7e]{1,4096}$/.test(token)) return undefined;
  const livesMs = typeof seconds === 'number' ? seconds * 1_000 : Number.NaN;
  if (!(livesMs >= 2 * leastMs)) return undefined;
  return { token, endsAtMs: askedAtMs + Math.min(livesMs, longestMs) };
}
