import { createPublicKey, randomBytes } from 'node:crypto';
import type { WebPushTarget } from '../../ports/push-target.ts';
import { H2Service, type Reply, type ServiceRequest } from './h2-service.ts';
import { takeApart } from './signed.ts';
import { type BrowserKeys, browserKeys, openWebPush } from './web-push-message.ts';

/** What a browser's service worker is given. */
export interface WebPush {
  readonly endpoint: string;
  readonly headers: ServiceRequest['headers'];
  readonly payload: Readonly<Record<string, unknown>>;
}

interface Subscription {
  readonly keys: BrowserKeys;
  /** The key that alone may send there. */
  readonly vapidPublicKey: string;
  subscribed: boolean;
}

const daySeconds = 24 * 3_600;

/**
 * A browser's push service together with its browsers: checks what RFC 8030 and RFC 8292 demand, and opens what it was
 * sent as the browser does.
 */
export class WebPushService extends H2Service {
  readonly taken: WebPush[] = [];
  readonly #subscriptions = new Map<string, Subscription>();

  /** A browser subscribes with the server's public key, in base64url. */
  subscribe(vapidPublicKey: string, host = '127.0.0.1'): WebPushTarget {
    const keys = browserKeys(randomBytes(16));
    const path = `/wpush/v2/${randomBytes(24).toString('base64url')}`;
    this.#subscriptions.set(path, { keys, vapidPublicKey, subscribed: true });
    return {
      t: 'webpush',
      endpoint: `${this.origin.replace('127.0.0.1', host)}${path}`,
      p256dh: keys.curve.getPublicKey('base64url'),
      auth: keys.auth.toString('base64url'),
    };
  }

  unsubscribe({ endpoint }: WebPushTarget): void {
    const subscription = this.#subscriptions.get(new URL(endpoint).pathname);
    if (subscription) subscription.subscribed = false;
  }

  protected override answer(request: ServiceRequest): Reply {
    const { path, headers, body } = request;
    const subscription = this.#subscriptions.get(path);
    if (subscription === undefined) return { status: 404 };
    if (!subscription.subscribed) return { status: 410 };
    const status = vapidRefusal(headers, subscription.vapidPublicKey, this.nowSeconds);
    if (status !== undefined) return { status };
    if (!/^\d{1,8}$/.test(headers['ttl'] ?? '')) return { status: 400, body: 'TTL' };
    if (!/^[\w-]{1,32}$/.test(headers['topic'] ?? 'none')) return { status: 400, body: 'Topic' };
    if (!/^(?:very-low|low|normal|high)$/.test(headers['urgency'] ?? 'normal')) {
      return { status: 400, body: 'Urgency' };
    }
    if (headers['content-encoding'] !== 'aes128gcm') return { status: 415 };
    if (body.byteLength > 4_096) return { status: 413 };
    const payload = JSON.parse(openWebPush(body, subscription.keys)) as WebPush['payload'];
    const endpoint = `https://${headers['host'] ?? headers[':authority']}${path}`;
    this.taken.push({ endpoint, headers, payload });
    return { status: 201, headers: { location: `${this.origin}/m/${this.taken.length}` } };
  }
}

/** The status that a request's signature (RFC 8292) is refused with; undefined for one that is sound. */
export function vapidRefusal(
  headers: ServiceRequest['headers'],
  expectedKey: string,
  nowSeconds: number,
): number | undefined {
  const match = /^vapid t=([\w.-]+), k=([\w-]+)$/.exec(headers['authorization'] ?? '');
  const [, token = '', key = ''] = match ?? [];
  const signed = takeApart(token);
  if (signed === undefined || signed.header['alg'] !== 'ES256') return 401;
  const point = Buffer.from(key, 'base64url');
  if (key !== expectedKey || point.byteLength !== 65) return 403;
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((part) => part.toString('base64url'));
  const jwk = { kty: 'EC', crv: 'P-256', x, y };
  if (!signed.signedBy(createPublicKey({ key: jwk, format: 'jwk' }))) return 403;
  const { aud, exp, sub } = signed.claims;
  if (aud !== `https://${headers['host'] ?? headers[':authority']}`) return 401;
  if (typeof exp !== 'number' || exp < nowSeconds || exp > nowSeconds + daySeconds) return 401;
  return /^(?:mailto:|https:)/.test(String(sub)) ? undefined : 401;
}
