import { type ByteString, byteString, bytesOf } from './byte-string.ts';
import type { ConvId } from './ids.ts';
import type { KeyRing, Sealed } from './seal.ts';

/** What a store keeps, sealed, besides its conversations: a proof of each master key, and its own secret. */

// Stands where a conversation's id stands when something that belongs to none is sealed; no id looks like it.
const noConversation = '' as ConvId;
const proofText = 'parley' as ByteString;

/** What only this master key opens. */
export function sealProof(keys: KeyRing, keyId: number): Uint8Array {
  return keys.of(noConversation).seal(BigInt(keyId), 0, proofText, keyId).bytes;
}

/**
 * Why the master keys given are not those that a store is sealed with, in words; undefined where this proof opens.
 * Every key that ever sealed must be given, and be the same one.
 */
export function proofProblem(keys: KeyRing, keyId: number, bytes: Uint8Array): string | undefined {
  if (!keys.ids.includes(keyId)) return `the store is sealed with master key ${keyId}, which was not given`;
  try {
    keys.of(noConversation).open(BigInt(keyId), 0, { keyId, bytes });
    return undefined;
  } catch {
    return `master key ${keyId} is not the one that the store is sealed with`;
  }
}

export function sealSecret(keys: KeyRing, secret: Uint8Array): Sealed {
  return keys.of(noConversation).seal(0n, 0, byteString(secret));
}

/** Throws where none of the keys opens it. */
export function openSecret(keys: KeyRing, sealed: Sealed): Uint8Array {
  return bytesOf(keys.of(noConversation).open(0n, 0, sealed));
}
