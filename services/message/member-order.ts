import type { UserId } from '../core/ids.ts';
import type { MemberRow } from '../ports/message-store.ts';

/**
 * Present members in the order of their ids: sorted when somebody first asks for a list, and kept in order from then on. A
 * hundred thousand take a tenth of a second to sort, which nobody may cause with each change of a group.
 */
export class MemberOrder {
  readonly #ids: UserId[] = [];

  constructor(rows: Iterable<MemberRow>) {
    for (const { userId, leftSeq } of rows) if (leftSeq === 0) this.#ids.push(userId);
    // As strings are compared by default: by their code units.
    this.#ids.sort();
  }

  /** A member has come, has another role, or has left. */
  changed({ userId, leftSeq }: MemberRow): void {
    const at = this.#firstFrom(userId);
    const isThere = this.#ids[at] === userId;
    if (leftSeq > 0) {
      if (isThere) this.#ids.splice(at, 1);
    } else if (!isThere) this.#ids.splice(at, 0, userId);
  }

  /** Those after `after`, at most `limit`; and whether there are more. */
  page(
    after: UserId | undefined,
    limit: number,
  ): { readonly users: readonly UserId[]; readonly more: boolean } {
    const at = after === undefined ? 0 : this.#firstFrom(after);
    const from = this.#ids[at] === after ? at + 1 : at;
    return { users: this.#ids.slice(from, from + limit), more: from + limit < this.#ids.length };
  }

  #firstFrom(userId: UserId): number {
    let [low, high] = [0, this.#ids.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ids[middle] as UserId) < userId) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
