import type { ConvNo } from '../core/ids.ts';
import { type ConversationCommit, type NewEntry, StoreError } from './message-store.ts';

/** Refuses what no store can keep and no caller that works would send, conversation by conversation of one batch. */
export class SoundBatch {
  readonly #seen = new Set<ConvNo | string>();

  /** Throws a StoreError `rejected` that says what is wrong. */
  assert({ entries, convNo, convId, create, members }: ConversationCommit): void {
    const first = entries[0];
    if (first === undefined) throw rejected(`nothing to write for ${convId}`);
    if (first.seq < 1 || (create !== undefined && first.seq !== 1))
      throw rejected(`${convId} can't begin at seq ${first.seq}`);
    if (this.#seen.has(convNo) || this.#seen.has(convId)) throw rejected(`${convId} is twice in one batch`);
    this.#seen.add(convNo).add(convId);
    if (create === 'direct' && (members.length < 1 || members.length > 2))
      throw rejected(`a direct conversation of ${members.length} users`);
    if (entries.length > 1) assertConsecutive(convId, entries);
  }
}

function assertConsecutive(convId: string, entries: readonly NewEntry[]): void {
  const clientKeys = new Set<string>();
  let expected = entries[0]?.seq ?? 0;
  for (const { seq, clientKey } of entries) {
    if (seq !== expected++) throw rejected(`${convId} has a gap before seq ${seq}`);
    if (clientKey === undefined) continue;
    if (clientKeys.has(clientKey)) throw rejected(`${convId} has the same client key twice`);
    clientKeys.add(clientKey);
  }
}

function rejected(message: string): StoreError {
  return new StoreError('rejected', message);
}
