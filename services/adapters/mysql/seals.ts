import { GenerationCache } from '../../core/generation-cache.ts';
import type { ConvId, ConvNo } from '../../core/ids.ts';
import type { ConversationSeal, KeyRing } from '../../core/seal.ts';

interface Sealing {
  readonly convId: ConvId;
  readonly seal: ConversationSeal;
}

/** Which conversation a number is, and what seals and opens its contents: neither ever changes. */
export class Seals {
  readonly #keys: KeyRing;
  readonly #byNo: GenerationCache<ConvNo, Sealing>;

  constructor(keys: KeyRing, capacity = 65_536) {
    this.#keys = keys;
    this.#byNo = new GenerationCache(capacity);
  }

  get(convNo: ConvNo): Sealing | undefined {
    return this.#byNo.get(convNo);
  }

  /** For a conversation that stands in the database under this number. */
  add(convNo: ConvNo, convId: ConvId): Sealing {
    const known = this.#byNo.get(convNo);
    if (known?.convId === convId) return known;
    const sealing = { convId, seal: this.#keys.of(convId) };
    this.#byNo.set(convNo, sealing);
    return sealing;
  }

  /** For a conversation that may turn out to have another number. */
  of(convNo: ConvNo, convId: ConvId): ConversationSeal {
    const known = this.#byNo.get(convNo);
    return known?.convId === convId ? known.seal : this.#keys.of(convId);
  }
}
