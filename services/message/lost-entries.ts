import type { Logger } from '../core/log.ts';
import type { MsgId } from '../core/ids.ts';
import { type MessageStore, StoreError } from '../ports/message-store.ts';
import type { Conversation } from './conversation.ts';
import type { MessageMeters } from './meters.ts';

/**
 * Counts what a restore took away, of what this node still knew: the newest entries of its hot conversations, which are
 * the ones that a replica that lagged lacks. What it had let go of nobody counts.
 */
export class LostEntries {
  readonly #store: Pick<MessageStore, 'locate'>;
  readonly #meters: MessageMeters;
  readonly #log: Logger;

  constructor(parts: { store: Pick<MessageStore, 'locate'>; meters: MessageMeters; log: Logger }) {
    this.#store = parts.store;
    this.#meters = parts.meters;
    this.#log = parts.log;
  }

  /**
   * `known`: the ids of confirmed entries by conversation, newest last (`confirmedIds`). One question at a time, since the
   * store has enough to do; where it can't be asked, no more is counted. Rejects on errors that are not the store's alone.
   */
  async count(known: readonly (readonly MsgId[])[]): Promise<void> {
    let lost = 0;
    try {
      for (const ids of known)
        for (let at = ids.length - 1; at >= 0 && !(await this.#has(ids[at] as MsgId)); at -= 1) {
          lost += 1;
          this.#meters.entriesLost += 1;
        }
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
    }
    if (lost > 0)
      this.#log.warn('confirmed entries are gone', { 'event.action': 'entries-lost', 'parley.count': lost });
  }

  async #has(msgId: MsgId): Promise<boolean> {
    return (await this.#store.locate(msgId)) !== undefined;
  }
}

/** What is known to have been confirmed of a conversation, newest last. */
export function confirmedIds({ exists, head, recent }: Conversation): readonly MsgId[] {
  if (!exists) return [];
  return recent.size > 0 ? recent.msgIds : [head.msgId];
}
