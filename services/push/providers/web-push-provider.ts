import { Agent } from 'node:https';
import { isIP } from 'node:net';
import webPush from 'web-push';
import type { Clock } from '../../core/clock.ts';
import { Fault } from '../../core/fault.ts';
import { pushTargetProblem, type WebPushTarget } from '../../ports/push-target.ts';
import { httpPost, readAway } from '../http-post.ts';
import type { PushNotice, PushOutcome, PushProvider } from '../provider.ts';
import { collapseName } from './collapse-name.ts';
import { fitNotice } from './fit-notice.ts';
import { HostTurns } from '../host-turns.ts';
import { isPublicAddress, lookupPublic, privateAddressCode } from './public-address.ts';
import { retryOutcome } from './retry-outcome.ts';
import { keptSeconds } from './ttl.ts';
import { VapidHeaders } from './vapid-headers.ts';
import type { VapidKeys } from './vapid-keys.ts';

export interface WebPushInit {
  readonly keys: VapidKeys;
  /** Whom push services turn to: a mailto: or https: URL. */
  readonly subject: string;
  /** The only hosts to go to, those with a dot in front with all below them; empty: any. */
  readonly hosts: readonly string[];
  /** Also to addresses that not everybody can reach. */
  readonly privateHosts: boolean;
  readonly ca: string | undefined;
  /** Requests under way at once at one push service. */
  readonly inFlight: number;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** What every push service takes (RFC 8030), less what the encryption adds: salt, key, record size, delimiter, tag. */
const payloadBytes = 4_096 - 86 - 1 - 16;
/** Pushes that wait for their turn at one push service, and those that wait or are under way at all of them. */
const mostWaiting = 512;
const mostInAll = 1_024;
const privateAddress: PushOutcome = { t: 'rejected', reason: 'the endpoint is at a private address' };

/**
 * Web Push: RFC 8030, encrypted by RFC 8291, signed by RFC 8292. Endpoints are named by clients, so that the server
 * goes only where everybody can go, follows no redirects, and lets no host that hangs hold up another.
 */
export class WebPushProvider implements PushProvider<WebPushTarget> {
  readonly name = 'webpush';
  readonly #init: WebPushInit;
  readonly #agent: Agent;
  readonly #vapid: VapidHeaders;
  readonly #turns: HostTurns;
  #closed = false;

  constructor(init: WebPushInit) {
    this.#init = init;
    const { ca, inFlight } = init;
    // As many sockets as turns: none waits where it can't be counted.
    const sockets = { keepAlive: true, maxSockets: inFlight, maxTotalSockets: mostInAll, maxFreeSockets: 8 };
    this.#agent = new Agent({ ...sockets, timeout: 60_000, ...(ca === undefined ? {} : { ca }) });
    this.#vapid = new VapidHeaders(init);
    this.#turns = new HostTurns({ atOnce: inFlight, mostWaiting, mostInAll });
  }

  get waiting(): number {
    return this.#turns.waiting;
  }

  async send(
    target: WebPushTarget,
    notice: PushNotice,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<PushOutcome> {
    const problem = pushTargetProblem(target);
    if (problem !== undefined) return { t: 'gone', reason: problem };
    const url = new URL(target.endpoint);
    const refusal = this.#refusal(url.hostname);
    if (refusal !== undefined) return refusal;
    const fitted = fitNotice(notice, payloadBytes, webPayload);
    if (fitted === undefined) return { t: 'rejected', reason: 'larger than a push may be' };
    try {
      return await this.#turns.run(url.host, () => this.#post(url, target, fitted, signal));
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      return { t: 'retry', reason: 'too many wait' };
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#agent.destroy();
  }

  #refusal(hostname: string): PushOutcome | undefined {
    const { hosts, privateHosts } = this.#init;
    const named = (host: string): boolean =>
      host.startsWith('.') ? hostname.endsWith(host) : hostname === host;
    if (hosts.length > 0 && !hosts.some(named))
      return { t: 'rejected', reason: 'the endpoint is at a host that is not allowed' };
    // A name is looked at when it is resolved; an address is not resolved.
    const address = hostname.replace(/^\[|\]$/g, '');
    if (!privateHosts && isIP(address) !== 0 && !isPublicAddress(address)) return privateAddress;
    return undefined;
  }

  async #post(
    url: URL,
    { p256dh, auth }: WebPushTarget,
    notice: PushNotice,
    signal: AbortSignal | undefined,
  ): Promise<PushOutcome> {
    if (this.#closed) return { t: 'retry', reason: 'closed' };
    const { timeoutMs, privateHosts, clock } = this.#init;
    const payload = Buffer.from(JSON.stringify(webPayload(notice)));
    const answer = await httpPost({
      url,
      agent: this.#agent,
      headers: {
        'content-type': 'application/octet-stream',
        'content-encoding': 'aes128gcm',
        authorization: this.#vapid.for(url.origin),
        ttl: String(keptSeconds(notice.ttlSeconds)),
        urgency: notice.urgency,
        topic: collapseName(notice.collapseKey),
      },
      body: webPush.encrypt(p256dh, auth, payload, 'aes128gcm').cipherText,
      timeoutMs,
      ...(privateHosts ? {} : { lookup: lookupPublic }),
      signal,
    });
    if (answer.t === 'failed') {
      return answer.reason === privateAddressCode ? privateAddress : { t: 'retry', reason: answer.reason };
    }
    const { statusCode = 0, headers } = answer.response;
    readAway(answer.response);
    return webPushOutcome(statusCode, headers['retry-after'], clock.wallMs());
  }
}

/** What the service worker is given. */
function webPayload({ id, title, body, badge, collapseKey, data }: PushNotice): unknown {
  return { id, title, body, badge, tag: collapseKey, data };
}

/** 406 is how Microsoft's service says "too many". */
const later = new Set([406, 408, 425, 429]);

/** What a push service's status says of the subscription and of this push. */
export function webPushOutcome(status: number, retryAfter: string | undefined, nowMs: number): PushOutcome {
  if (status >= 200 && status < 300) return { t: 'sent' };
  const reason = `status ${status}`;
  if (status === 404 || status === 410) return { t: 'gone', reason };
  if (later.has(status) || status >= 500) return retryOutcome(reason, retryAfter, nowMs);
  return { t: 'rejected', reason };
}
