import { readFileSync } from 'node:fs';

const block = /-----BEGIN [A-Z0-9 ]+-----[^-]+-----END [A-Z0-9 ]+-----/;

/**
 * A file of certificates, or of a key, as it is when somebody connects: those who renew it have nobody to tell. What can't
 * be read any more, or is no PEM, changes nothing. Read at once, as connections to engines are few and far between.
 */
export class FreshPem {
  readonly #path: string;
  #last: Buffer;

  /** Throws where it can't be read. */
  constructor(path: string) {
    this.#path = path;
    this.#last = readFileSync(path);
  }

  /** The same buffer for as long as the file stays the same. */
  get current(): Buffer {
    try {
      const read = readFileSync(this.#path);
      if (!read.equals(this.#last) && block.test(read.toString('latin1'))) this.#last = read;
    } catch {
      // What was there last is still good; the watch over certificates tells of it.
    }
    return this.#last;
  }
}
