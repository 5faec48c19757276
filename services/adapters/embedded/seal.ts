import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  type KeyObject,
  randomFillSync,
} from 'node:crypto';
import type { ConvId, MsgId } from '../../core/ids.ts';
import { ByteWriter } from './bytes.ts';
import { GenerationCache } from './generation-cache.ts';

export interface MasterKey {
  /** 1 to 2^32 − 1; the highest id seals, all open. */
  readonly id: number;
  /** 32 bytes. */
  readonly key: Uint8Array;
}

export interface Sealed {
  readonly keyId: number;
  /** Nonce, ciphertext, tag. */
  readonly bytes: Uint8Array;
}

const algorithm = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;
const extractSalt = 'parley store v1';

/**
 * Seals contents with AES-256-GCM. The key is HKDF-SHA-256 of (master key, key id, conversation); (conversation, msg id,
 * revision) is associated data, so that a row moved elsewhere does not open. Nonces are random: one made of seq and
 * revision would repeat after a voided batch. A conversation key may seal 2^32 contents before random nonces get
 * uncomfortable, which no conversation reaches.
 */
export class KeyRing {
  readonly #keys: ReadonlyMap<number, ConversationKeys>;
  readonly #newest: ConversationKeys;
  readonly #nonces = Buffer.alloc(nonceBytes * 1024);
  #nonceAt: number = this.#nonces.byteLength;

  constructor(masterKeys: readonly MasterKey[], cachedKeys = 65_536) {
    const sorted = [...masterKeys].sort((one, other) => one.id - other.id);
    const newest = sorted.at(-1);
    if (newest === undefined) throw new RangeError('no master key given');
    this.#keys = new Map(sorted.map((master) => [master.id, new ConversationKeys(master, cachedKeys)]));
    if (this.#keys.size !== sorted.length) throw new RangeError('two master keys have the same id');
    this.#newest = this.#keys.get(newest.id) as ConversationKeys;
  }

  get ids(): number[] {
    return [...this.#keys.keys()];
  }

  /** Seals with the newest key, or the one named. */
  seal(convId: ConvId, msgId: MsgId, revision: number, content: Uint8Array, keyId?: number): Sealed {
    const keys = keyId === undefined ? this.#newest : this.#keyed(keyId);
    const nonce = this.#nonce();
    const cipher = createCipheriv(algorithm, keys.of(convId), nonce, { authTagLength: tagBytes });
    cipher.setAAD(associated(convId, msgId, revision));
    const body = cipher.update(content);
    cipher.final();
    const bytes = Buffer.allocUnsafe(nonceBytes + body.byteLength + tagBytes);
    bytes.set(nonce);
    bytes.set(body, nonceBytes);
    bytes.set(cipher.getAuthTag(), nonceBytes + body.byteLength);
    return { keyId: keys.id, bytes };
  }

  /** Throws where the bytes were sealed for another place or with another key. */
  open(convId: ConvId, msgId: MsgId, revision: number, sealed: Sealed): Uint8Array {
    const { bytes } = sealed;
    const bodyEnd = bytes.byteLength - tagBytes;
    if (bodyEnd < nonceBytes) throw new RangeError('too short to be sealed');
    const key = this.#keyed(sealed.keyId).of(convId);
    const decipher = createDecipheriv(algorithm, key, bytes.subarray(0, nonceBytes), {
      authTagLength: tagBytes,
    });
    decipher.setAAD(associated(convId, msgId, revision));
    decipher.setAuthTag(bytes.subarray(bodyEnd));
    const content = decipher.update(bytes.subarray(nonceBytes, bodyEnd));
    decipher.final();
    return content;
  }

  #keyed(keyId: number): ConversationKeys {
    const keys = this.#keys.get(keyId);
    if (keys === undefined) throw new RangeError(`sealed with master key ${keyId}, which was not given`);
    return keys;
  }

  #nonce(): Buffer {
    if (this.#nonceAt === this.#nonces.byteLength) {
      randomFillSync(this.#nonces);
      this.#nonceAt = 0;
    }
    const at = this.#nonceAt;
    this.#nonceAt = at + nonceBytes;
    return this.#nonces.subarray(at, this.#nonceAt);
  }
}

/** One master key's keys of conversations. A KeyObject halves the cost of each use, so they are kept. */
class ConversationKeys {
  readonly id: number;
  readonly #pseudoRandomKey: KeyObject;
  readonly #cache: GenerationCache<ConvId, KeyObject>;

  constructor(master: MasterKey, cachedKeys: number) {
    if (!Number.isInteger(master.id) || master.id < 1 || master.id > 0xffff_ffff)
      throw new RangeError(`${master.id} can't be the id of a master key: 1 to 4294967295`);
    if (master.key.byteLength !== 32) throw new RangeError(`master key ${master.id} has not 32 bytes`);
    this.id = master.id;
    // HKDF's first half (extract) depends on the master key alone; done once, it saves half of each derivation.
    this.#pseudoRandomKey = createSecretKey(createHmac('sha256', extractSalt).update(master.key).digest());
    this.#cache = new GenerationCache(cachedKeys);
  }

  of(convId: ConvId): KeyObject {
    const cached = this.#cache.get(convId);
    if (cached !== undefined) return cached;
    const key = createSecretKey(
      createHmac('sha256', this.#pseudoRandomKey)
        .update(`${this.id}\0${convId}`)
        .update(Buffer.of(1))
        .digest(),
    );
    this.#cache.set(convId, key);
    return key;
  }
}

function associated(convId: ConvId, msgId: MsgId, revision: number): Buffer {
  const out = ByteWriter.row();
  out.text(convId);
  out.u64(msgId);
  out.u32(revision);
  return out.view();
}
