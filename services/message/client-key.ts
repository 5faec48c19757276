import { hash } from 'node:crypto';
import type { ClientKey } from '../ports/message-store.ts';

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

  of(sender: string, clientId: string): ClientKey {
    const digest = hash('sha256', `${this.#secret}${sender.length}:${sender}${clientId}`, 'binary');
    return digest.slice(0, 16) as ClientKey;
  }
}
