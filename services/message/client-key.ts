import { hash } from 'node:crypto';

/**
 * The keyed hash by which a conversation knows a command again: 16 bytes of SHA-256 over a secret of fixed length, the
 * sender's length and name, and the client id. (Cutting the digest short also rules out length extension, so that the
 * cheap prefix construction is a sound key here.)
 */
export class ClientKeys {
  readonly #secret: string;

  constructor(secret: Uint8Array) {
    this.#secret = Buffer.from(secret).toString('base64');
  }

  of(sender: string, clientId: string): Uint8Array {
    const digest = hash('sha256', `${this.#secret}${sender.length}:${sender}${clientId}`, 'buffer');
    return digest.subarray(0, 16);
  }
}

/** A client key as a map key. */
export function keyText(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}
