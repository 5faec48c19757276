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
  const made = whole(directPrefix + digest.slice(0, 32)) as ConvId;
  known.set(pair, made);
  return made;
}

/** The same ASCII text as one object: V8 keeps the parts that a string was put together from, and this one is held for long. */
function whole(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

export function isDirect(convId: ConvId): boolean {
  return convId.startsWith(directPrefix);
}
