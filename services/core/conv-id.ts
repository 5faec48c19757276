import { hash } from 'node:crypto';
import { type ConvId, directPrefix, type UserId } from './ids.ts';

/** The id of the direct conversation of two users: the same whichever of them asks. */
export function directConvId(one: UserId, other: UserId): ConvId {
  const [first, second] = one <= other ? [one, other] : [other, one];
  // Lengths in front, so that ("ab", "c") and ("a", "bc") differ.
  const digest = hash('sha256', `${first.length}:${first}${second.length}:${second}`, 'base64url');
  return (directPrefix + digest.slice(0, 32)) as ConvId;
}

export function isDirect(convId: ConvId): boolean {
  return convId.startsWith(directPrefix);
}
