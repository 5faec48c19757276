import type { ConvId } from '../core/ids.ts';

/** Conversations of one session with refused sends, at most; beyond it one number stands for all of them. */
const maxConversations = 1_024;

/** What lanes ask of a session, and tell it. */
export interface ChainRefusals {
  refuses(convId: ConvId, number: number): boolean;
  refuse(convId: ConvId, number: number): void;
}

/**
 * Which sends of a session an owner may not take any more, because an earlier send in the same conversation was refused
 * with a retry: all that carry the same chain number or a lower one. The session raises the number once everything is
 * answered (`connection/chain.ts`), so a record lives only until then.
 */
export class RefusedChains implements ChainRefusals {
  #byConversation: Map<ConvId, number> | undefined;
  /** Up to here, everything is refused. Numbers rise across a session's conversations, so that later ones pass. */
  #floor = 0;

  refuses(convId: ConvId, number: number): boolean {
    if (number <= this.#floor) return true;
    const refused = this.#byConversation?.get(convId);
    if (refused === undefined) return false;
    if (number <= refused) return true;
    this.#byConversation?.delete(convId);
    return false;
  }

  /** The session's edge is gone: whatever it has sent is refused. */
  close(): void {
    this.#floor = Number.POSITIVE_INFINITY;
    this.#byConversation = undefined;
  }

  refuse(convId: ConvId, number: number): void {
    this.#byConversation ??= new Map();
    const refused = this.#byConversation.get(convId);
    if (refused === undefined && this.#byConversation.size >= maxConversations) {
      this.#floor = Math.max(this.#floor, number, ...this.#byConversation.values());
      this.#byConversation.clear();
      return;
    }
    this.#byConversation.set(convId, Math.max(number, refused ?? 0));
  }
}
