import { fromBinary } from '@bufbuild/protobuf';
import { EntrySchema } from '../../gen/parley/chat/v1/entry_pb.ts';
import { bytesOf } from '../../services/core/byte-string.ts';
import type { ConvId, MsgId, Seq } from '../../services/core/ids.ts';
import type { MemoryStore } from '../../services/message/testing/memory-store.ts';

/** An entry that was in the store, and then in no log any more. */
interface LostEntry {
  readonly convId: ConvId;
  readonly seq: Seq;
  readonly clientId: string;
  /** Whom it removed; undefined for what removed nobody. */
  readonly removed: string | undefined;
}

/** Has the store go back to an earlier copy, and knows what was lost by that, and that nothing else was. */
export class Restores {
  readonly #rows: MemoryStore;
  readonly #lost = new Map<MsgId, LostEntry>();
  #copy: ReturnType<MemoryStore['backup']> | undefined;
  #count = 0;
  /** Somebody let the store go back without drawing a new epoch: what was counted before may have been written after. */
  silent = false;
  /** The epoch of a store that went back without anybody saying so. */
  #unnoticed: string | undefined;

  constructor({ rows }: { readonly rows: MemoryStore }) {
    this.#rows = rows;
  }

  get count(): number {
    return this.#count;
  }

  /** Entries that were lost. */
  get lost(): number {
    return this.#lost.size;
  }

  get hasCopy(): boolean {
    return this.#copy !== undefined;
  }

  /** The store went back, and no node has noticed yet. */
  get unnoticed(): boolean {
    return this.#unnoticed !== undefined && this.#rows.presentEpoch === this.#unnoticed;
  }

  copy(): void {
    this.#copy = this.#rows.backup();
  }

  /** Goes back to the copy; `announced`: under a new epoch, as whoever restores a store is to draw one. */
  restore(announced: boolean): void {
    const copy = this.#copy;
    if (copy === undefined) throw new Error('there is no copy to go back to');
    for (const convId of this.#rows.convIds()) {
      const from = copy.byId.get(convId)?.entries.length ?? 0;
      for (const { seq, msgId, content } of this.#rows.log(convId).slice(from)) {
        const entry = fromBinary(EntrySchema, bytesOf(content));
        const { clientId } = entry;
        const removed = entry.content.case === 'memberRemoved' ? entry.content.value.user : undefined;
        this.#lost.set(msgId, { convId, seq, clientId, removed });
      }
    }
    this.#count += 1;
    this.silent ||= !announced;
    this.#copy = undefined;
    this.#rows.restore(copy, announced ? `${copy.epoch} restored` : copy.epoch);
    this.#unnoticed = announced || this.#lost.size === 0 ? undefined : copy.epoch;
  }

  hasLost(msgId: MsgId): boolean {
    return this.#lost.has(msgId);
  }

  /** Whether something that a client id made was lost: whoever repeats the command has it made anew. */
  hasLostAny(clientId: string): boolean {
    for (const lost of this.#lost.values()) if (lost.clientId === clientId) return true;
    return false;
  }

  /** Whether a removal of this user was undone. */
  hasReadmitted(user: string): boolean {
    for (const { removed } of this.#lost.values()) if (removed === user) return true;
    return false;
  }

  /** Whether what a client id made was lost, in that place. */
  hasLostCommand(convId: string, seq: number, clientId: string): boolean {
    for (const lost of this.#lost.values())
      if (lost.convId === convId && lost.seq === seq && lost.clientId === clientId) return true;
    return false;
  }
}
