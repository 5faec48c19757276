import { createHmac, timingSafeEqual } from 'node:crypto';

/** Signatures of the Standard Webhooks specification, version 1: HMAC-SHA256. */

const prefix = 'whsec_';
const leastBytes = 24;
const mostBytes = 64;

/** The key in a secret `whsec_` + base64 of 24 to 64 bytes; throws RangeError, without the secret, for anything else. */
export function secretKey(secret: string): Buffer {
  const text = secret.startsWith(prefix) ? secret.slice(prefix.length) : undefined;
  const key =
    text !== undefined && /^[A-Za-z0-9+/]+={0,2}$/.test(text) ? Buffer.from(text, 'base64') : undefined;
  if (key === undefined || key.byteLength < leastBytes || key.byteLength > mostBytes) {
    throw new RangeError(`must be ${prefix} followed by base64 of ${leastBytes} to ${mostBytes} bytes`);
  }
  return key;
}

/** The header webhook-signature: one signature for each key, so that receivers can change keys at leisure. */
export function signatures(keys: readonly Buffer[], id: string, timestampS: number, body: string): string {
  return keys.map((key) => `v1,${sign(key, id, timestampS, body)}`).join(' ');
}

function sign(key: Buffer, id: string, timestampS: number, body: string): string {
  return createHmac('sha256', key).update(`${id}.${timestampS}.${body}`).digest('base64');
}

/** What receivers do: whether any of the signatures is this key's. */
export function verifies(key: Buffer, id: string, timestampS: number, body: string, header: string): boolean {
  const expected = Buffer.from(sign(key, id, timestampS, body));
  return header.split(' ').some((part) => {
    const given = Buffer.from(part.startsWith('v1,') ? part.slice(3) : '');
    return given.byteLength === expected.byteLength && timingSafeEqual(given, expected);
  });
}
