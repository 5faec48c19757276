import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  type KeyObject,
  randomFillSync,
} from 'node:crypto';
import { type ByteString, byteString } from './byte-string.ts';
import type { ConvId, MsgId, UserId } from './ids.ts';
import { ByteWriter } from './bytes.ts';

export interface MasterKey {
  /** 1 to 2^32 − 1; where none is said to seal, the highest id does. All open. */
  readonly id: number;
  /** Of one at most. */
  readonly seals?: boolean;
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

/** The master keys, from which each conversation's keys come. */
export class KeyRing {
  /** HKDF's first half (extract), which depends on the master key alone. */
  readonly #pseudoRandomKeys: ReadonlyMap<number, KeyObject>;
  readonly #nonces = Buffer.alloc(nonceBytes * 1024);
  #nonceAt: number = this.#nonces.byteLength;
  /** Of the key that seals from now on. */
  readonly sealingId: number;

  constructor(masterKeys: readonly MasterKey[]) {
    for (const { id, key } of masterKeys) {
      if (!Number.isInteger(id) || id < 1 || id > 0xffff_ffff)
        throw new RangeError(`${id} can't be the id of a master key: 1 to 4294967295`);
      if (key.byteLength !== 32) throw new RangeError(`master key ${id} has not 32 bytes`);
    }
    this.#pseudoRandomKeys = new Map(
      masterKeys.map(({ id, key }) => [
        id,
        createSecretKey(createHmac('sha256', extractSalt).update(key).digest()),
      ]),
    );
    if (masterKeys.length === 0) throw new RangeError('no master key given');
    if (this.#pseudoRandomKeys.size < masterKeys.length)
      throw new RangeError('two master keys have the same id');
    this.sealingId = masterKeys.find(({ seals }) => seals)?.id ?? Math.max(...this.ids);
  }

  get ids(): number[] {
    return [...this.#pseudoRandomKeys.keys()];
  }

  /** What seals and opens a conversation's contents. Keep it where the conversation is used often: keys are derived once. */
  of(convId: ConvId): ConversationSeal {
    return new ConversationSeal(this, convId);
  }

  /** What seals and opens a device's push target. No conversation has such an id: ids have no control characters. */
  ofDevice(userId: UserId, deviceId: string): ConversationSeal {
    return new ConversationSeal(this, `\0device ${userId.length} ${userId}${deviceId}` as ConvId);
  }

  /** HKDF's second half (expand): the key of a conversation under one master key. */
  derive(keyId: number, convId: ConvId): KeyObject {
    const key = this.#pseudoRandomKeys.get(keyId);
    if (key === undefined) throw new RangeError(`sealed with master key ${keyId}, which was not given`);
    const expanded = createHmac('sha256', key).update(`${keyId}\0${convId}`).update(Buffer.of(1));
    return createSecretKey(expanded.digest());
  }

  /** 12 random bytes, never handed out before; a view that holds until the next 1,024. */
  nonce(): Buffer {
    if (this.#nonceAt === this.#nonces.byteLength) {
      randomFillSync(this.#nonces);
      this.#nonceAt = 0;
    }
    const at = this.#nonceAt;
    this.#nonceAt = at + nonceBytes;
    return this.#nonces.subarray(at, this.#nonceAt);
  }
}

/**
 * Seals one conversation's contents with AES-256-GCM. The key is HKDF-SHA-256 of (master key, key id, conversation);
 * (conversation, msg id, revision) is associated data, so that a row moved elsewhere does not open. Nonces are random:
 * one made of seq and revision would repeat after a voided batch. Under one key 2^32 random nonces are safe; no
 * conversation gets that long.
 */
export class ConversationSeal {
  readonly #ring: KeyRing;
  readonly #convId: ConvId;
  #sealing: KeyObject | undefined;

  constructor(ring: KeyRing, convId: ConvId) {
    this.#ring = ring;
    this.#convId = convId;
  }

  /** Seals with the key that is to seal, or the one named. */
  seal(msgId: MsgId, revision: number, content: ByteString, keyId: number = this.#ring.sealingId): Sealed {
    const nonce = this.#ring.nonce();
    const cipher = createCipheriv(algorithm, this.#key(keyId), nonce, { authTagLength: tagBytes });
    cipher.setAAD(this.#associated(msgId, revision));
    const body = cipher.update(content, 'latin1');
    cipher.final();
    const bytes = Buffer.allocUnsafe(nonceBytes + body.byteLength + tagBytes);
    bytes.set(nonce);
    bytes.set(body, nonceBytes);
    bytes.set(cipher.getAuthTag(), nonceBytes + body.byteLength);
    return { keyId, bytes };
  }

  /** Throws where the bytes were sealed for another place or with another key. */
  open(msgId: MsgId, revision: number, { keyId, bytes }: Sealed): ByteString {
    const bodyEnd = bytes.byteLength - tagBytes;
    if (bodyEnd < nonceBytes) throw new RangeError('too short to be sealed');
    const nonce = bytes.subarray(0, nonceBytes);
    const decipher = createDecipheriv(algorithm, this.#key(keyId), nonce, { authTagLength: tagBytes });
    decipher.setAAD(this.#associated(msgId, revision));
    decipher.setAuthTag(bytes.subarray(bodyEnd));
    const content = decipher.update(bytes.subarray(nonceBytes, bodyEnd));
    decipher.final();
    return byteString(content);
  }

  /** A KeyObject halves the cost of each use, so the one that seals is kept; others are on their way out, or in. */
  #key(keyId: number): KeyObject {
    if (keyId !== this.#ring.sealingId) return this.#ring.derive(keyId, this.#convId);
    this.#sealing ??= this.#ring.derive(keyId, this.#convId);
    return this.#sealing;
  }

  #associated(msgId: MsgId, revision: number): Buffer {
    const out = ByteWriter.row();
    out.text(this.#convId);
    out.u64(msgId);
    out.u32(revision);
    return out.view();
  }
}
