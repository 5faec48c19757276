import { sha256 } from './sha256.ts';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/**
 * The id of the direct conversation of two users, which the server makes in the same way: `d_` and the first 24 bytes,
 * in base64url, of the SHA-256 of both ids in order, each with its length in UTF-16 code units and a colon before it.
 * Known without asking, so that a conversation can begin offline.
 */
export function directConvId(one: string, other: string): string {
  const [first, second] = one <= other ? [one, other] : [other, one];
  const text = `${first.length}:${first}${second.length}:${second}`;
  const digest = sha256(new TextEncoder().encode(text));
  let id = 'd_';
  for (let at = 0; at < 24; at += 3) {
    const bits = ((digest[at] ?? 0) << 16) | ((digest[at + 1] ?? 0) << 8) | (digest[at + 2] ?? 0);
    for (const shift of [18, 12, 6, 0]) id += alphabet[(bits >> shift) & 63];
  }
  return id;
}
