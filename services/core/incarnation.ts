import { randomUUID } from 'node:crypto';

/**
 * The name of a run of a node in its store: under it the run holds its worker lease and marks what it commits. When the
 * lease has lapsed the run takes another name, and leaves what it marked with the old one to whoever adopts that.
 */
export class Incarnation {
  #name: string = randomUUID();

  /** 1 to 64 characters; no other run has had it. */
  get name(): string {
    return this.#name;
  }

  renew(): void {
    this.#name = randomUUID();
  }
}
