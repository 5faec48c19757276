import { LRUCache } from 'lru-cache';
import type { Clock } from '../core/clock.ts';
import type { UserId } from '../core/ids.ts';
import { Turns } from '../core/turns.ts';
import type { Membership, MessageStore } from '../ports/message-store.ts';

interface BadgesInit {
  readonly store: Pick<MessageStore, 'memberships'>;
  readonly clock: Clock;
}

const pageSize = 200;
/** A badge is a number between 0 and "many": who has more conversations is counted no further. */
const conversationsAtMost = 10_000;
const atOnce = 4;
/** More than there are attempts under way, each of which wants one. */
const mostWaiting = 2_000;
/** The devices of a user, and his conversations of one interval, have one count. */
const keptMs = 1_000;
const keptUsers = 10_000;

/** How many messages users have not read, in all of their conversations. */
export class Badges {
  readonly #init: BadgesInit;
  readonly #turns: Turns;
  readonly #counted: LRUCache<UserId, { readonly atMs: number; readonly count: Promise<number> }>;

  constructor(init: BadgesInit) {
    this.#init = init;
    this.#turns = new Turns({ atOnce, mostWaiting });
    this.#counted = new LRUCache({ max: keptUsers });
  }

  /** At most some moments old. Rejects where the store can't be read. */
  of(userId: UserId): Promise<number> {
    const nowMs = this.#init.clock.monotonicMs();
    const known = this.#counted.get(userId);
    if (known !== undefined && nowMs - known.atMs < keptMs) return known.count;
    const count = this.#turns.run(() => this.#count(userId));
    const kept = { atMs: nowMs, count };
    this.#counted.set(userId, kept);
    count.catch(() => {
      if (this.#counted.peek(userId) === kept) this.#counted.delete(userId);
    });
    return count;
  }

  async #count(userId: UserId): Promise<number> {
    let unread = 0;
    let after: Membership['convId'] | undefined;
    for (let seen = 0; seen < conversationsAtMost; seen += pageSize) {
      const page = await this.#init.store.memberships(userId, after, pageSize);
      for (const membership of page) unread += unreadOf(membership);
      after = page.at(-1)?.convId;
      if (page.length < pageSize) break;
    }
    return unread;
  }
}

/** ord at the end of what is the user's, less ord at the read cursor; a rejoin starts anew. */
export function unreadOf({ member, head, cursor }: Pick<Membership, 'member' | 'head' | 'cursor'>): number {
  const lastOrd = member.leftSeq > 0 ? member.leftOrd : head.ord;
  return Math.max(0, lastOrd - Math.max(cursor?.readOrd ?? 0, member.joinedOrd));
}
