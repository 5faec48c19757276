import type { ClientClock } from './clock.ts';
import type { Credentials } from './transport.ts';

export interface TokenSource {
  /** Who signs in where there is no token. */
  readonly userId?: string;
  readonly token?: string;
  readonly getToken?: () => Promise<string>;
}

/** However little time a token seems to have. */
const soonestMs = 5_000;

/** The token in use, and when to fetch the next. */
export class Tokens {
  readonly #source: TokenSource;
  readonly #clock: ClientClock;
  #token: string;
  /** How far the server's clock is ahead of this one. */
  #skewMs = 0;
  #renewAtMs = Number.POSITIVE_INFINITY;

  constructor(options: { source: TokenSource; clock: ClientClock }) {
    this.#source = options.source;
    this.#clock = options.clock;
    this.#token = options.source.token ?? '';
  }

  /** Whether a new one can be had. */
  get renewable(): boolean {
    return this.#source.getToken !== undefined;
  }

  /** For a new session (`fresh`), or for a call beside the one that is open. */
  async credentials(fresh: boolean): Promise<Credentials> {
    const { getToken, userId = '' } = this.#source;
    if (getToken !== undefined && (fresh || this.#token === '')) this.#token = await getToken();
    // Naming a user is for development, where there are no tokens.
    return { token: this.#token, userId: this.#token === '' ? userId : '' };
  }

  /** The server's time, as a session begins: clocks of devices are often wrong, and its own is the one that counts. */
  serverTime(ms: number): void {
    this.#skewMs = ms > 0 ? ms - this.#clock.wallMs() : 0;
  }

  /** A session uses the token: it wants another before this one expires. */
  inUse(): void {
    this.#renewAtMs = Number.POSITIVE_INFINITY;
    if (!this.renewable) return;
    const leftMs = expiresAtMs(this.#token) - this.#clock.wallMs() - this.#skewMs;
    // A minute before the end, or half-way where a token doesn't live that long.
    this.#renewAtMs = this.#clock.monotonicMs() + Math.max(leftMs - 60_000, leftMs / 2, soonestMs);
  }

  unused(): void {
    this.#renewAtMs = Number.POSITIVE_INFINITY;
  }

  dueMs(): number {
    return this.#renewAtMs;
  }

  /** Fetches the next token when it is time; undefined when it isn't, or there is none to be had. */
  async renew(nowMs: number): Promise<string | undefined> {
    if (nowMs < this.#renewAtMs) return undefined;
    this.#renewAtMs = Number.POSITIVE_INFINITY;
    try {
      return (await this.credentials(true)).token;
    } catch {
      // The session ends when the token does, and the next one asks again.
      return undefined;
    }
  }
}

/** When a JWT expires, in milliseconds since 1970; infinite when it doesn't say. Nothing is verified here. */
function expiresAtMs(token: string): number {
  const claims = token.split('.')[1];
  if (claims === undefined) return Number.POSITIVE_INFINITY;
  try {
    const { exp } = JSON.parse(atob(claims.replaceAll('-', '+').replaceAll('_', '/'))) as { exp?: unknown };
    return typeof exp === 'number' ? exp * 1_000 : Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
