import { LRUCache } from 'lru-cache';
import webPush from 'web-push';
import type { Clock } from '../../core/clock.ts';
import type { VapidKeys } from './vapid-keys.ts';

interface Signed {
  readonly header: string;
  readonly renewAtMs: number;
}

/** A signature may be valid for a day; half of that leaves room for clocks that disagree. */
const validSeconds = 12 * 3_600;
const renewAfterMs = (validSeconds / 2) * 1_000;
const mostOrigins = 256;

/** The Authorization header of Web Push (RFC 8292), signed anew for each push service every six hours. */
export class VapidHeaders {
  readonly #init: { readonly keys: VapidKeys; readonly subject: string; readonly clock: Clock };
  readonly #signed = new LRUCache<string, Signed>({ max: mostOrigins });

  constructor(init: { readonly keys: VapidKeys; readonly subject: string; readonly clock: Clock }) {
    this.#init = init;
  }

  for(origin: string): string {
    const nowMs = this.#init.clock.wallMs();
    const known = this.#signed.get(origin);
    // A clock that was set back must not keep a signature from the future.
    if (known !== undefined && nowMs < known.renewAtMs && nowMs > known.renewAtMs - 2 * renewAfterMs)
      return known.header;
    const { keys, subject } = this.#init;
    const expiresAt = Math.floor(nowMs / 1_000) + validSeconds;
    const { Authorization: header } = webPush.getVapidHeaders(
      origin,
      subject,
      keys.publicKey,
      keys.privateKey,
      'aes128gcm',
      expiresAt,
    );
    this.#signed.set(origin, { header, renewAtMs: nowMs + renewAfterMs });
    return header;
  }
}
