import { type ApnsTarget, pushTargetProblem } from '../../ports/push-target.ts';
import type { PushNotice, PushOutcome, PushProvider } from '../provider.ts';
import { apnsId, apnsPayload } from './apns-payload.ts';
import { type ApnsTokenInit, ApnsTokens } from './apns-token.ts';
import { collapseName } from './collapse-name.ts';
import { fitNotice } from './fit-notice.ts';
import { H2Line, type H2LineInit, type LineOutcome } from './h2-line.ts';
import { retryOutcome } from './retry-outcome.ts';
import { keptSeconds } from './ttl.ts';

export interface ApnsInit extends ApnsTokenInit {
  /** The app, where a target names none. */
  readonly topic: string;
  readonly hiddenText: string;
  readonly origins: Readonly<Record<ApnsTarget['environment'], string>>;
  readonly line: Omit<H2LineInit, 'name' | 'origin'>;
}

const payloadBytes = 4_096;

/** Apple's push notification service, by provider tokens. One connection to each of its two environments. */
export class ApnsProvider implements PushProvider<ApnsTarget> {
  readonly name = 'apns';
  readonly #init: ApnsInit;
  readonly #tokens: ApnsTokens;
  readonly #lines: Readonly<Record<ApnsTarget['environment'], H2Line>>;

  constructor(init: ApnsInit) {
    this.#init = init;
    this.#tokens = new ApnsTokens(init);
    const { origins, line } = init;
    this.#lines = {
      production: new H2Line({ ...line, name: 'apns', origin: origins.production }),
      sandbox: new H2Line({ ...line, name: 'apns-sandbox', origin: origins.sandbox }),
    };
  }

  get waiting(): number {
    return this.#lines.production.waiting + this.#lines.sandbox.waiting;
  }

  async send(
    target: ApnsTarget,
    notice: PushNotice,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<PushOutcome> {
    const problem = pushTargetProblem(target);
    if (problem !== undefined) return { t: 'gone', reason: problem };
    const render = (of: PushNotice): object => apnsPayload(of, this.#init.hiddenText);
    const fitted = fitNotice(notice, payloadBytes, render);
    if (fitted === undefined) return { t: 'rejected', reason: 'larger than a push may be' };
    const payload = Buffer.from(JSON.stringify(render(fitted)));
    const token = await this.#tokens.current();
    const outcome = this.#judge(await this.#post(target, notice, payload, token, signal));
    if (outcome.t !== 'retry' || outcome.reason !== 'ExpiredProviderToken') return outcome;
    const other = await this.#tokens.instead(token);
    return other === undefined
      ? outcome
      : this.#judge(await this.#post(target, notice, payload, other, signal));
  }

  async close(): Promise<void> {
    for (const line of Object.values(this.#lines)) line.close();
  }

  #post(
    { token, topic, environment }: ApnsTarget,
    notice: PushNotice,
    payload: Buffer,
    providerToken: string,
    signal: AbortSignal | undefined,
  ): Promise<LineOutcome> {
    const { clock } = this.#init;
    const seconds = keptSeconds(notice.ttlSeconds);
    const headers = {
      ':path': `/3/device/${token.toLowerCase()}`,
      authorization: `bearer ${providerToken}`,
      'apns-id': apnsId(notice.id),
      'apns-topic': topic ?? this.#init.topic,
      'apns-push-type': 'alert',
      'apns-collapse-id': collapseName(notice.collapseKey),
      'apns-expiration': seconds === 0 ? '0' : String(Math.floor(clock.wallMs() / 1_000) + seconds),
      'apns-priority': notice.urgency === 'high' ? '10' : '5',
    };
    return this.#lines[environment].request(headers, payload, signal);
  }

  #judge(outcome: LineOutcome): PushOutcome {
    if (outcome.t === 'failed') {
      const { reason, afterMs } = outcome;
      return { t: 'retry', reason, ...(afterMs === undefined ? {} : { afterMs }) };
    }
    return apnsOutcome(outcome, this.#init.clock.wallMs());
  }
}

/** Tokens that are no device's, or not any more. */
const gone = new Set(['BadDeviceToken', 'Unregistered', 'ExpiredToken']);
/** What another attempt may cure although the status says that it is the sender's fault. */
const later = new Set(['ExpiredProviderToken', 'IdleTimeout']);

/** What an answer of APNs says of the device and of this push. */
export function apnsOutcome(
  { status, retryAfter, body }: Extract<LineOutcome, { readonly t: 'answered' }>,
  nowMs: number,
): PushOutcome {
  if (status === 200) return { t: 'sent' };
  const { reason = `status ${status}`, timestamp } = errorOf(body);
  if (status === 410 || gone.has(reason)) {
    return { t: 'gone', reason, ...(timestamp === undefined ? {} : { sinceMs: timestamp }) };
  }
  if (status === 429 || status >= 500 || later.has(reason)) return retryOutcome(reason, retryAfter, nowMs);
  return { t: 'rejected', reason };
}

function errorOf(body: string): { readonly reason?: string; readonly timestamp?: number } {
  try {
    const { reason, timestamp } = (JSON.parse(body) ?? {}) as Record<string, unknown>;
    return {
      // What it says goes into metrics and logs: a word, or nothing.
      ...(typeof reason === 'string' && /^[A-Za-z]{1,40}$/.test(reason) ? { reason } : {}),
      ...(Number.isSafeInteger(timestamp) ? { timestamp: timestamp as number } : {}),
    };
  } catch {
    return {};
  }
}
