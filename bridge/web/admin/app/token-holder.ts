import type { DraftStorage } from '../../chat/drafts.ts';

const name = 'parley.admin.token';

/** The administrator's token, for as long as the tab lives. */
export class TokenHolder {
  readonly #storage: Pick<DraftStorage, 'getItem' | 'setItem' | 'removeItem'>;

  constructor(storage: Pick<DraftStorage, 'getItem' | 'setItem' | 'removeItem'>) {
    this.#storage = storage;
  }

  get token(): string {
    return this.#storage.getItem(name) ?? '';
  }

  hold(token: string): void {
    this.#storage.setItem(name, token);
  }

  letGo(): void {
    this.#storage.removeItem(name);
  }
}
