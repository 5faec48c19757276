import { createPublicKey } from 'node:crypto';

/** Where a device can be reached while it has no session. It comes from the device and is believed in nothing else. */
export type PushTarget = WebPushTarget | FcmTarget | ApnsTarget;
export type PushTargetKind = PushTarget['t'];

/** A browser's PushSubscription (RFC 8030, RFC 8291). */
export interface WebPushTarget {
  readonly t: 'webpush';
  /** An https URL of the browser's push service, at most 2,048 characters. */
  readonly endpoint: string;
  /** The browser's public key: an uncompressed point of P-256, 65 bytes in base64url. */
  readonly p256dh: string;
  /** The secret that browser and server share, 16 bytes in base64url. */
  readonly auth: string;
}

export interface FcmTarget {
  readonly t: 'fcm';
  /** The registration token, 1–4,096 of `[A-Za-z0-9_:.-]`. */
  readonly token: string;
}

export interface ApnsTarget {
  readonly t: 'apns';
  /** The device token in hexadecimal, 64–200 digits. */
  readonly token: string;
  /** The app's bundle id, where it is not the one that the server is configured with. */
  readonly topic?: string;
  /** Which of Apple's two services knows the token: apps that are being developed have theirs from the sandbox. */
  readonly environment: 'production' | 'sandbox';
}

/** What is wrong with a target, in words that finish "the push target's …"; undefined for one that may be kept. */
export function pushTargetProblem(target: PushTarget): string | undefined {
  switch (target.t) {
    case 'webpush':
      return webPushProblem(target);
    case 'fcm':
      return /^[\w:.-]{1,4096}$/.test(target.token)
        ? undefined
        : 'token must be 1 to 4,096 letters, digits and _ : . -';
    case 'apns':
      if (!/^(?:[0-9a-f]{2}){32,100}$/i.test(target.token)) return 'token must be 64 to 200 hex digits';
      if (target.topic !== undefined && !/^[A-Za-z0-9.-]{1,255}$/.test(target.topic))
        return 'topic must be 1 to 255 letters, digits, dots and dashes';
      return undefined;
  }
}

const longestEndpoint = 2_048;

function webPushProblem({ endpoint, p256dh, auth }: WebPushTarget): string | undefined {
  const url = endpoint.length > longestEndpoint ? null : URL.parse(endpoint);
  if (url === null) return `endpoint must be a URL of at most ${longestEndpoint} characters`;
  if (url.protocol !== 'https:') return 'endpoint must begin with https:';
  if (url.username !== '' || url.password !== '') return 'endpoint must not hold a user or a password';
  if (!isPoint(bytesOf(p256dh))) return 'p256dh must be a point of P-256, 65 bytes in base64url';
  if (bytesOf(auth)?.byteLength !== 16) return 'auth must be 16 bytes in base64url';
  return undefined;
}

/** Browsers leave the padding out, libraries often don't. */
function bytesOf(text: string): Buffer | undefined {
  return /^[\w-]{1,128}={0,2}$/.test(text) ? Buffer.from(text, 'base64url') : undefined;
}

/** A point off the curve can't be agreed on a key with, and would be found out at each push only. */
function isPoint(bytes: Buffer | undefined): boolean {
  if (bytes?.byteLength !== 65 || bytes[0] !== 4) return false;
  const [x, y] = [bytes.subarray(1, 33), bytes.subarray(33)].map((part) => part.toString('base64url'));
  try {
    createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y }, format: 'jwk' });
    return true;
  } catch {
    return false;
  }
}
