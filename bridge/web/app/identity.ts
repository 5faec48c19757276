/** Who signs in, and how: with a name alone (development) or with a token. */
export type Identity =
  | { readonly t: 'name'; readonly name: string }
  | { readonly t: 'token'; readonly token: string };

/** As much of a browser's Storage as is used here. */
export interface TextStore {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

const key = 'parley.identity';

/**
 * Remembers who is signed in. A tab keeps its own identity over reloads, so that two tabs can be two people; what the
 * user asked to be remembered is also what a new tab starts with.
 */
export class IdentityStore {
  readonly #tab: TextStore;
  readonly #device: TextStore;

  constructor({ tab, device }: { tab: TextStore; device: TextStore }) {
    this.#tab = tab;
    this.#device = device;
  }

  read(): Identity | undefined {
    return readFrom(this.#tab) ?? readFrom(this.#device);
  }

  write(identity: Identity, remember: boolean): void {
    const text = JSON.stringify(identity);
    attempt(() => this.#tab.setItem(key, text));
    attempt(() => (remember ? this.#device.setItem(key, text) : this.#device.removeItem(key)));
  }

  /** Signs this tab out, and forgets what was remembered for new tabs. */
  clear(): void {
    attempt(() => this.#tab.removeItem(key));
    attempt(() => this.#device.removeItem(key));
  }
}

function readFrom(store: TextStore): Identity | undefined {
  try {
    const value: unknown = JSON.parse(store.getItem(key) ?? 'null');
    if (typeof value !== 'object' || value === null || !('t' in value)) return undefined;
    if (value.t === 'name' && 'name' in value && typeof value.name === 'string')
      return { t: 'name', name: value.name };
    if (value.t === 'token' && 'token' in value && typeof value.token === 'string')
      return { t: 'token', token: value.token };
  } catch {
    // Storage is blocked, or holds something else: nobody is signed in.
  }
  return undefined;
}

/** Storage may be full or blocked; the tab then simply forgets. */
function attempt(write: () => void): void {
  try {
    write();
  } catch {
    // See above.
  }
}
