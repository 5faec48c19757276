import type { ConvId, ConvNo, Seq, UserId } from '../core/ids.ts';
import { PairMap } from '../core/pair-map.ts';
import type {
  ConversationKind,
  ConversationSnapshot,
  GroupRow,
  Head,
  MemberRow,
} from '../ports/message-store.ts';
import type { Audience } from './audience.ts';
import type { HeldCursor } from './cursor-book.ts';
import { MemberOrder } from './member-order.ts';
import { RecentEntries } from './recent-entries.ts';

export interface Unsure {
  /** From which entry on. */
  readonly fromSeq: Seq;
  /** When this node had read all of it from the store, and until when it matters; by the monotonic clock. */
  readonly sinceMs: number;
  readonly untilMs: number;
}

/** Never added to: `appended` makes a list of one in its place. */
const noAudiences: Audience[] = [];
/** Before every time of the monotonic clock. */
export const neverMs = -(2 ** 30);
const emptyHead: Head = { seq: 0, ord: 0, msgId: 0n };

/**
 * A hot conversation: head and rules as of the last commit or load. One that doesn't exist yet has head 0. There may be a
 * hundred thousand, and a full collection of V8's looks at every object of each, while nobody is served: times are whole
 * milliseconds, since each field with a fraction or an infinity is an object of its own.
 */
export class Conversation {
  readonly convId: ConvId;
  kind: ConversationKind | undefined;
  /** Undefined until the conversation exists. */
  convNo: ConvNo | undefined;
  head: Head = emptyHead;
  /** Last seq that changed an earlier entry. */
  projectedSeq: Seq = 0;
  group: GroupRow | undefined;
  /** Former members included. */
  members = new PairMap<UserId, MemberRow>();
  /** Present members in order, once somebody has asked for a list. */
  #order: MemberOrder | undefined;
  readonly recent = new RecentEntries();
  /** One for each edge that hears of this conversation. */
  audiences: Audience[] = noAudiences;
  /** Cursors that moved while the conversation was hot. */
  readonly cursors = new PairMap<UserId, HeldCursor>();
  /** Whether what the store has of cursors is among them. */
  cursorsLoaded = false;
  /** Whether presence changes of its members reach it: see `hot-conversations.ts`. */
  indexed = false;
  /** Batches and reads under way; not evicted meanwhile. */
  pins = 0;
  /** The store was restored: it is no longer held, and nothing of it is written. */
  void = false;
  /** A batch with entries of it is being made or written: head and rules are not to be read again meanwhile. */
  writing = false;
  usedAtMs = 0;
  /** What its former owner may not have forwarded: see `take-over.ts`. */
  unsure: Unsure | undefined;
  /** When the store was last asked, by a read or a commit, and said that head and rules are these. */
  confirmedAtMs = 0;

  constructor(convId: ConvId) {
    this.convId = convId;
  }

  get exists(): boolean {
    return this.convNo !== undefined;
  }

  /** The member's row, for present members only. */
  present(userId: UserId): MemberRow | undefined {
    const row = this.members.get(userId);
    return row === undefined || row.leftSeq > 0 ? undefined : row;
  }

  get order(): MemberOrder {
    this.#order ??= new MemberOrder(this.members.values());
    return this.#order;
  }

  /** A member has come, has another role, or has left. */
  setMember(row: MemberRow): void {
    this.members.set(row.userId, row);
    this.#order?.changed(row);
  }

  /** Takes over what the store has. */
  restore(snapshot: ConversationSnapshot): void {
    this.kind = snapshot.kind;
    this.convNo = snapshot.convNo;
    this.cursorsLoaded = false;
    this.head = snapshot.head;
    this.projectedSeq = snapshot.projectedSeq;
    this.group = snapshot.group;
    this.#order = undefined;
    this.members = PairMap.of(snapshot.members.map((row) => [row.userId, row]));
    if (this.recent.lastSeq !== 0 && this.recent.lastSeq !== snapshot.head.seq) this.recent.clear();
  }

  /** First and last seq that the user may read; undefined for users who never were members. */
  visibleRange(userId: UserId): { readonly first: Seq; readonly last: Seq } | undefined {
    const row = this.members.get(userId);
    if (row === undefined) return undefined;
    const first = this.group?.history === 'all' ? 1 : row.joinedSeq;
    return { first, last: row.leftSeq > 0 ? row.leftSeq : this.head.seq };
  }
}
