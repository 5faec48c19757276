import { hash } from 'node:crypto';
import { GenerationCache } from './generation-cache.ts';
import { type ConvId, directPrefix, type UserId } from './ids.ts';

/** Ids of pairs that talk are asked for with every send, and a digest costs more than the rest of the look-up. */
const known = new GenerationCache<string, ConvId>(50_000);

/** The id of the direct conversation of two users: the same whichever of them asks. */
export function directConvId(one: UserId, other: UserId): ConvId {
  const [first, second] = one <= other ? [one, other] : [other, one];
  // Lengths in front, so that ("ab", "c") and ("a", "bc") differ.
  const pair = `${first.length}:${first}${second.length}:${second}`;
  const id = known.get(pair);
  if (id !== undefined) return id;
  const digest = hash('sha256', pair, 'base64url');
  const made = (directPrefix + digest.slice(0, 32)) as ConvId;
  known.set(pair, made);
  return made;
}

export function isDirect(convId: ConvId): boolean {
  return convId.startsWith(directPrefix);
}
