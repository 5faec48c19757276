import type { Clock } from '../../core/clock.ts';
import { type FcmTarget, pushTargetProblem } from '../../ports/push-target.ts';
import type { PushNotice, PushOutcome, PushProvider } from '../provider.ts';
import { AccessTokens, type AccessTokensInit } from './access-tokens.ts';
import { fcmMessage } from './fcm-message.ts';
import { fitNotice } from './fit-notice.ts';
import { H2Line, type H2LineInit, type LineOutcome } from './h2-line.ts';
import { retryOutcome } from './retry-outcome.ts';

export interface FcmInit extends AccessTokensInit {
  readonly origin: string;
  readonly hiddenText: string;
  readonly clock: Clock;
  readonly line: Omit<H2LineInit, 'name' | 'origin'>;
}

/** What Google counts is the payload: all but the token. */
const payloadBytes = 4_096;
/** Where a quota is used up and nothing else is said. */
const quotaWait = '60';

/** Firebase Cloud Messaging, HTTP v1. */
export class FcmProvider implements PushProvider<FcmTarget> {
  readonly name = 'fcm';
  readonly #init: FcmInit;
  readonly #tokens: AccessTokens;
  readonly #line: H2Line;

  constructor(init: FcmInit) {
    this.#init = init;
    this.#tokens = new AccessTokens(init);
    this.#line = new H2Line({ ...init.line, name: 'fcm', origin: init.origin });
  }

  get waiting(): number {
    return this.#line.waiting;
  }

  async send(
    target: FcmTarget,
    notice: PushNotice,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<PushOutcome> {
    const problem = pushTargetProblem(target);
    if (problem !== undefined) return { t: 'gone', reason: problem };
    const { hiddenText, clock } = this.#init;
    const render = (of: PushNotice): object => fcmMessage(of, hiddenText, clock.wallMs());
    const fitted = fitNotice(notice, payloadBytes, render);
    if (fitted === undefined) return { t: 'rejected', reason: 'larger than a push may be' };
    const { token } = target;
    const body = Buffer.from(JSON.stringify({ message: { token, ...render(fitted) } }));
    const first = await this.#post(body, signal);
    return first === 'unauthenticated' ? this.#last(await this.#post(body, signal)) : first;
  }

  async close(): Promise<void> {
    this.#tokens.close();
    this.#line.close();
  }

  #last(outcome: PushOutcome | 'unauthenticated'): PushOutcome {
    return outcome === 'unauthenticated' ? { t: 'rejected', reason: 'UNAUTHENTICATED' } : outcome;
  }

  async #post(body: Buffer, signal: AbortSignal | undefined): Promise<PushOutcome | 'unauthenticated'> {
    const access = await this.#tokens.current();
    if (access.t === 'none') return access.outcome;
    const headers = {
      ':path': `/v1/projects/${this.#init.account.projectId}/messages:send`,
      'content-type': 'application/json',
      authorization: `Bearer ${access.token}`,
    };
    const outcome = await this.#line.request(headers, body, signal);
    if (outcome.t === 'failed') {
      const { reason, afterMs } = outcome;
      return { t: 'retry', reason, ...(afterMs === undefined ? {} : { afterMs }) };
    }
    const judged = fcmOutcome(outcome, this.#init.clock.wallMs());
    if (judged === 'unauthenticated') this.#tokens.forget(access.token);
    return judged;
  }
}

interface FcmError {
  /** FCM's own code, or else the status that Google's services share. */
  readonly code: string | undefined;
  /** Whether it is the registration token that it finds fault with. */
  readonly badToken: boolean;
}

/** What an answer of FCM says of the device and of this push; or that the access token is not taken. */
export function fcmOutcome(
  { status, retryAfter, body }: Extract<LineOutcome, { readonly t: 'answered' }>,
  nowMs: number,
): PushOutcome | 'unauthenticated' {
  if (status === 200) return { t: 'sent' };
  const { code, badToken } = errorOf(body);
  const reason = code ?? `status ${status}`;
  // A 404 without FCM's words may come from anybody on the way there; devices are not forgotten for it.
  if (code === 'UNREGISTERED' || (status === 404 && code === 'NOT_FOUND')) return { t: 'gone', reason };
  if (code === 'INVALID_ARGUMENT' && badToken) return { t: 'gone', reason };
  if (code === 'UNAUTHENTICATED' || (status === 401 && code === undefined)) return 'unauthenticated';
  if (status === 429) return retryOutcome(reason, retryAfter ?? quotaWait, nowMs);
  if (status === 408 || status >= 500) return retryOutcome(reason, retryAfter, nowMs);
  return { t: 'rejected', reason };
}

function errorOf(body: string): FcmError {
  try {
    const { error } = JSON.parse(body) as { readonly error?: Record<string, unknown> };
    const details = (Array.isArray(error?.['details']) ? error['details'] : []) as Record<string, unknown>[];
    const own = details.map(({ errorCode }) => errorCode).find(isCode);
    const shared = error?.['status'];
    const badToken = details.some(
      ({ fieldViolations: found }) =>
        Array.isArray(found) && found.some(({ field }: { field?: unknown }) => field === 'message.token'),
    );
    const message = String(error?.['message']);
    return {
      code: own ?? (isCode(shared) ? shared : undefined),
      badToken: badToken || /registration token/i.test(message),
    };
  } catch {
    return { code: undefined, badToken: false };
  }
}

function isCode(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Z_]{1,40}$/.test(value);
}
