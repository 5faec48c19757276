import type { MsgId } from '../core/ids.ts';
import { type MessageStore, StoreError } from '../ports/message-store.ts';

export interface EpochWatchParts {
  readonly store: MessageStore;
  /** The store has another epoch, which it has just adopted: nothing that was known before is true. */
  readonly changed: (before: string, lost: MsgId | undefined) => void;
  readonly bug: (error: unknown) => void;
}

interface Witness {
  readonly msgId: MsgId;
  readonly epoch: string;
}

/** Entries that are looked for at once, at most; one that is gone is enough. */
const suspectsAtMost = 16;
const formerAtMost = 64;

/**
 * Finds out that the store was restored under a node's hands. Whoever restores it should draw a new epoch; where nobody
 * did, as when a database fails over to a replica that lagged, the newest entry that the store had confirmed is gone. A
 * backup and a replica end somewhere in the order of commits, so that the newest one speaks for all. What is gone in two
 * looks is gone: then the node itself draws the epoch, by which all others hear of it.
 */
export class EpochWatch {
  readonly #parts: EpochWatchParts;
  #newest: Witness | undefined;
  /** Epochs that were over, the last ones of them. */
  readonly #former: string[] = [];
  readonly #suspects = new Map<MsgId, Witness>();
  #looking: Promise<boolean> | undefined;

  constructor(parts: EpochWatchParts) {
    this.#parts = parts;
  }

  /** The store has confirmed an entry under `epoch`. */
  committed(msgId: MsgId, epoch: string): void {
    if (epoch === this.#parts.store.epoch) this.#newest = { msgId, epoch };
  }

  /** An entry was known that the store does not seem to have. */
  suspect(msgId: MsgId): void {
    if (this.#suspects.size < suspectsAtMost)
      this.#suspects.set(msgId, { msgId, epoch: this.#parts.store.epoch });
    void this.look();
  }

  /** A conversation with this newest entry is let go of: who reads it again would not know what it had. Looked for next time. */
  letGo(msgId: MsgId): void {
    if (msgId === 0n) return;
    const [oldest] = this.#suspects.keys();
    // The latest ones matter most: what a restore loses are the last commits.
    if (this.#suspects.size === suspectsAtMost && oldest !== undefined) this.#suspects.delete(oldest);
    this.#suspects.set(msgId, { msgId, epoch: this.#parts.store.epoch });
  }

  /** Looks now, or joins a look that is under way. Never rejects; false where the store could not be asked. */
  look(): Promise<boolean> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #look(): Promise<boolean> {
    const { store, bug } = this.#parts;
    try {
      if (await this.#hasChanged()) return true;
      // The newest may be another one before the store answers.
      if (this.#newest !== undefined) this.letGo(this.#newest.msgId);
      const witnesses = [...this.#suspects.values()];
      for (const { msgId, epoch } of witnesses) {
        const isThere = epoch !== store.epoch || (await store.locate(msgId)) !== undefined;
        const isBack = !isThere && ((await this.#hasChanged()) || (await store.locate(msgId)) !== undefined);
        // Not before it is known: where the store does not answer, it is looked for next time.
        this.#suspects.delete(msgId);
        if (isThere || isBack) continue;
        this.#adopt(await store.renewEpoch(epoch), msgId);
        return true;
      }
      return true;
    } catch (error) {
      if (!(error instanceof StoreError)) bug(error);
      return false;
    }
  }

  async #hasChanged(): Promise<boolean> {
    const { store } = this.#parts;
    const epoch = await store.readEpoch();
    if (epoch === store.epoch) return false;
    // A restore that was still at work has put back an epoch that was over. Whoever has not heard of the one in between
    // would take it for the same.
    this.#adopt(this.#former.includes(epoch) ? await store.renewEpoch(epoch) : epoch, undefined);
    return true;
  }

  #adopt(epoch: string, lost: MsgId | undefined): void {
    const { store, changed } = this.#parts;
    const before = store.epoch;
    store.adoptEpoch(epoch);
    this.#former.push(before);
    if (this.#former.length > formerAtMost) this.#former.shift();
    this.#newest = undefined;
    this.#suspects.clear();
    changed(before, lost);
  }
}
