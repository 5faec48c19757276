import { GenerationCache } from '../../core/generation-cache.ts';
import type { ConvId, ConvNo } from '../../core/ids.ts';
import type { ConversationSeal, KeyRing } from '../../core/seal.ts';

/** What seals and opens the contents of conversations, kept where it is used often: keys are derived once. */
export class Seals {
  readonly #keys: KeyRing;
  readonly #byId: GenerationCache<ConvId, ConversationSeal>;

  constructor(keys: KeyRing, capacity = 65_536) {
    this.#keys = keys;
    this.#byId = new GenerationCache(capacity);
  }

  of(convId: ConvId): ConversationSeal {
    const known = this.#byId.get(convId);
    if (known !== undefined) return known;
    const seal = this.#keys.of(convId);
    this.#byId.set(convId, seal);
    return seal;
  }
}

/** Which conversation has which number in the database. That never changes within an epoch, and so may be kept. */
export class Names {
  readonly #byNo: GenerationCache<ConvNo, ConvId>;

  constructor(capacity = 65_536) {
    this.#byNo = new GenerationCache(capacity);
  }

  get(convNo: ConvNo): ConvId | undefined {
    return this.#byNo.get(convNo);
  }

  set(convNo: ConvNo, convId: ConvId): void {
    if (this.#byNo.get(convNo) !== convId) this.#byNo.set(convNo, convId);
  }

  /** In a store that was restored, numbers may be given anew. */
  clear(): void {
    this.#byNo.clear();
  }
}
