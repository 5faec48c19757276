import type { KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import type { Clock } from '../../core/clock.ts';

export interface ApnsTokenInit {
  /** A private key of P-256. */
  readonly key: KeyObject;
  readonly keyId: string;
  readonly teamId: string;
  readonly clock: Clock;
}

/** APNs takes no token older than an hour, and no new ones more often than every 20 minutes. */
const renewAfterMs = 45 * 60_000;
const leastMs = 20 * 60_000;

/** The provider token of APNs, signed anew every 45 minutes. */
export class ApnsTokens {
  readonly #init: ApnsTokenInit;
  #token: Promise<string> | undefined;
  #issuedAtMs = 0;

  constructor(init: ApnsTokenInit) {
    this.#init = init;
  }

  current(): Promise<string> {
    const ageMs = this.#init.clock.wallMs() - this.#issuedAtMs;
    // A clock that was set back makes tokens of the future, which APNs does not take either.
    if (this.#token !== undefined && ageMs >= 0 && ageMs < renewAfterMs) return this.#token;
    return this.#issue();
  }

  /**
   * Another token than one that APNs found too old; undefined where that one is so new that another would be found no
   * better: clocks disagree, and APNs punishes whoever signs too often.
   */
  async instead(of: string): Promise<string | undefined> {
    const current = await this.current();
    if (current !== of) return current;
    return this.#init.clock.wallMs() - this.#issuedAtMs < leastMs ? undefined : this.#issue();
  }

  #issue(): Promise<string> {
    const { key, keyId, teamId, clock } = this.#init;
    this.#issuedAtMs = clock.wallMs();
    this.#token = new SignJWT()
      .setProtectedHeader({ alg: 'ES256', kid: keyId })
      .setIssuer(teamId)
      .setIssuedAt(Math.floor(this.#issuedAtMs / 1_000))
      .sign(key);
    return this.#token;
  }
}
