import type { ConvId } from '../core/ids.ts';
import type { ChainLink } from './submission.ts';

/**
 * Which sends an owner may not take any more, because an earlier send of the same session in the same conversation was
 * refused with a retry: all that carry the same chain number or a lower one. The session raises the number once
 * everything is answered (`connection/chain.ts`), so a record lives only until then.
 */
export class RefusedChains {
  readonly #sessions = new Map<string, Map<ConvId, number>>();

  refuses(convId: ConvId, chain: ChainLink | undefined): boolean {
    if (chain === undefined || this.#sessions.size === 0) return false;
    const conversations = this.#sessions.get(chain.session);
    const refused = conversations?.get(convId);
    if (conversations === undefined || refused === undefined) return false;
    if (chain.number <= refused) return true;
    conversations.delete(convId);
    if (conversations.size === 0) this.#sessions.delete(chain.session);
    return false;
  }

  refuse(convId: ConvId, chain: ChainLink | undefined): void {
    if (chain === undefined) return;
    let conversations = this.#sessions.get(chain.session);
    if (conversations === undefined) {
      conversations = new Map();
      this.#sessions.set(chain.session, conversations);
    }
    conversations.set(convId, Math.max(chain.number, conversations.get(convId) ?? 0));
  }

  forget(session: string): void {
    this.#sessions.delete(session);
  }
}
