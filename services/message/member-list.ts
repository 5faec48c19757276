import type { UserId } from '../core/ids.ts';
import type { MemberRow } from '../ports/message-store.ts';
import type { Conversation } from './conversation.ts';

interface Sorted {
  readonly version: number;
  readonly rows: readonly MemberRow[];
}

/** Present members in the order of their ids, sorted once for each version of the group. */
export class MemberLists {
  readonly #sorted = new WeakMap<Conversation, Sorted>();

  /** Those after `after`, at most `limit`; and whether there are more. */
  page(
    conversation: Conversation,
    after: UserId | undefined,
    limit: number,
  ): { readonly rows: readonly MemberRow[]; readonly more: boolean } {
    const rows = this.#rows(conversation);
    const from = after === undefined ? 0 : firstAfter(rows, after);
    return { rows: rows.slice(from, from + limit), more: from + limit < rows.length };
  }

  #rows(conversation: Conversation): readonly MemberRow[] {
    const version = conversation.group?.version ?? 0;
    const known = this.#sorted.get(conversation);
    if (known?.version === version) return known.rows;
    const rows = [...conversation.members.values()]
      .filter((row) => row.leftSeq === 0)
      .sort((one, other) => (one.userId < other.userId ? -1 : 1));
    this.#sorted.set(conversation, { version, rows });
    return rows;
  }
}

function firstAfter(rows: readonly MemberRow[], after: UserId): number {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((rows[middle] as MemberRow).userId <= after) low = middle + 1;
    else high = middle;
  }
  return low;
}
