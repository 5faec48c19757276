import type { Clock } from '../core/clock.ts';
import type { ConvId, Seq, UserId } from '../core/ids.ts';
import { leastRecent } from '../core/least-recent.ts';
import {
  type ConversationSnapshot,
  type HeadSnapshot,
  type MessageStore,
  StoreError,
} from '../ports/message-store.ts';
import { Conversation, neverMs } from './conversation.ts';
import { tooLarge, trimRecent } from './hot-memory.ts';
import { lookBack } from './take-over.ts';

export interface HotLimits {
  /** Conversations held, at most (those in use are held beyond it). */
  readonly maxConversations: number;
  /** Members and cursors of all of them, at most: a group may have a hundred thousand, former ones included. */
  readonly maxMemberRows: number;
  /** Bytes of newest entries held, at most. */
  readonly maxRecentBytes: number;
}

/** Conversations with more members than this are asked, rather than indexed by member. */
const indexUpTo = 1_000;
const loadAtOnce = 500;
/** Newest entries held of a conversation, at most twice as many: they are not cut down at every commit. */
const mostRecent = 32;
/** What an entry is reckoned to need of the limit, which all conversations have the same share of. */
const recentShare = 1_024;
/** A share of fewer entries is of no use: whoever looks into a conversation asks for a page. */
const leastRecentEntries = 8;
/** Conversations whose last entries are read at once, while they are taken over. */
const lookBacksAtOnce = 8;

/** The conversations that a node holds: loaded on first use, evicted when there are too many. */
export class HotConversations {
  readonly #store: MessageStore;
  readonly #clock: Clock;
  readonly #limits: HotLimits;
  readonly #conversations = new Map<ConvId, Conversation>();
  readonly #loading = new Map<ConvId, Promise<ReadonlySet<ConvId>>>();
  readonly #byMember = new Map<UserId, Set<Conversation>>();
  /** To be let go of once they are released. */
  readonly #leaving = new Set<Conversation>();
  /** Indexed conversations too large for the index by member. */
  readonly #large = new Set<Conversation>();
  readonly #confirmAfterMs: number | undefined;
  readonly #confirming = new Map<Conversation, Promise<void>>();
  /** Grows when everything that is held is void: what was asked for before is of no use then. */
  #generation = 0;
  /** Told when a conversation is no longer held. */
  onEvict: (conversation: Conversation) => void = () => {};
  /** Told of a conversation that another node may have owned until now, and whose last entries may not have reached all. */
  onTakenOver: (conversation: Conversation) => void = () => {};
  /** Told of entries that another owner has written, behind the head that was known. */
  onLearned: (conversation: Conversation, oldHead: Seq) => void = () => {};
  /** Told of a conversation of which the store has less than was known. */
  onBehind: (conversation: Conversation) => void = () => {};

  /**
   * `confirmAfterMs`: where other nodes may write, what has not been read or written for so long is read again before it
   * is used. Undefined where nobody else does.
   */
  constructor({
    store,
    clock,
    limits,
    confirmAfterMs,
  }: {
    store: MessageStore;
    clock: Clock;
    limits: HotLimits;
    confirmAfterMs?: number | undefined;
  }) {
    this.#confirmAfterMs = confirmAfterMs;
    this.#store = store;
    this.#clock = clock;
    this.#limits = limits;
  }

  get size(): number {
    return this.#conversations.size;
  }

  get(convId: ConvId): Conversation | undefined {
    return this.#conversations.get(convId);
  }

  values(): IterableIterator<Conversation> {
    return this.#conversations.values();
  }

  /**
   * The conversations with these ids, held until released; those that don't exist are empty ones. Rejects with the
   * store's StoreError when one that isn't held can't be read.
   */
  async acquire(convIds: readonly ConvId[]): Promise<Conversation[]> {
    const absent = new Set<ConvId>();
    // One that was held before may be evicted while others are read: it is looked for again.
    for (let confirmAfterMs = this.#confirmAfterMs; ; ) {
      const missing = convIds.filter((convId) => !this.#conversations.has(convId) && !absent.has(convId));
      if (missing.length > 0) for (const convId of await this.#load(missing)) absent.add(convId);
      else if (confirmAfterMs === undefined) break;
      else {
        await this.#confirm(convIds, confirmAfterMs);
        confirmAfterMs = undefined;
      }
    }
    const now = Math.floor(this.#clock.monotonicMs());
    return convIds.map((convId) => {
      const conversation = this.#conversations.get(convId) ?? this.#hold(new Conversation(convId));
      conversation.pins += 1;
      conversation.usedAtMs = now;
      return conversation;
    });
  }

  release(conversations: readonly Conversation[]): void {
    const keep = this.#recentEach;
    for (const conversation of conversations) {
      const { recent } = conversation;
      if (recent.size > 2 * keep) recent.trim(keep);
      conversation.pins -= 1;
      if (conversation.pins > 0) continue;
      if (conversation.void) continue;
      if (!conversation.exists) this.#drop(conversation);
      else if (this.#leaving.has(conversation)) this.#evict(conversation);
    }
  }

  /** Entries held of each conversation: what is there for all of them, whoever is used. */
  get #recentEach(): number {
    const share = Math.floor(this.#limits.maxRecentBytes / recentShare / this.#conversations.size);
    return share < leastRecentEntries ? 0 : Math.min(mostRecent, share);
  }

  /** Like acquire and release around `use`. */
  async with<T>(convId: ConvId, use: (conversation: Conversation) => T | Promise<T>): Promise<T> {
    const held = await this.acquire([convId]);
    try {
      return await use(held[0] as Conversation);
    } finally {
      this.release(held);
    }
  }

  /** Whether a conversation is known up to this entry, after another look at the store where it was not. */
  async reaches(convId: ConvId, seq: Seq): Promise<boolean> {
    const doubted = await this.with(convId, (conversation) => {
      if (conversation.head.seq >= seq) return false;
      conversation.confirmedAtMs = neverMs;
      return true;
    });
    return !doubted || this.with(convId, ({ head }) => head.seq >= seq);
  }

  /** The store was restored: all that is held is void, also what somebody is at work with. */
  clear(): void {
    this.#generation += 1;
    for (const conversation of this.#conversations.values()) {
      conversation.void = true;
      conversation.audiences = [];
    }
    this.#conversations.clear();
    this.#byMember.clear();
    this.#leaving.clear();
    this.#large.clear();
    this.#loading.clear();
  }

  /**
   * Reads head and rules again, and tells of those that have grown. Only for conversations that have no commit under way.
   * Rejects with a StoreError where the store can't be read, or has less than was known; some are read then.
   */
  async reload(conversations: readonly Conversation[]): Promise<void> {
    for (let at = 0; at < conversations.length; at += loadAtOnce) {
      const part = conversations.slice(at, at + loadAtOnce);
      // The answer is true of a moment after this one; a process that hung looks at it long after.
      const askedAtMs = Math.floor(this.#clock.monotonicMs());
      const snapshots = await this.#store.load(part.map((conversation) => conversation.convId));
      for (const [index, snapshot] of snapshots.entries()) {
        const conversation = part[index] as Conversation;
        if (conversation.void) throw restored();
        if (isBehind(snapshot, conversation)) {
          this.onBehind(conversation);
          throw new StoreError('unavailable', `the store has less of ${conversation.convId} than it had`);
        }
        if (snapshot === undefined) continue;
        const oldHead = conversation.head.seq;
        conversation.restore(snapshot);
        conversation.confirmedAtMs = askedAtMs;
        if (conversation.indexed) this.index(conversation);
        // At once: nobody may be told by the former audience, nor anybody be forgotten where the next one can't be read.
        if (conversation.head.seq > oldHead) this.onLearned(conversation, oldHead);
      }
    }
  }

  /** Those among the conversations that don't exist; the others are held, until they are evicted. */
  async #load(convIds: readonly ConvId[]): Promise<ConvId[]> {
    const waits = new Set<Promise<ReadonlySet<ConvId>>>();
    const fresh: ConvId[] = [];
    for (const convId of convIds) {
      const loading = this.#loading.get(convId);
      if (loading === undefined) fresh.push(convId);
      else waits.add(loading);
    }
    for (let at = 0; at < fresh.length; at += loadAtOnce) {
      const part = fresh.slice(at, at + loadAtOnce);
      const load = this.#loadPart(part);
      for (const convId of part) this.#loading.set(convId, load);
      waits.add(load);
    }
    const absent = await Promise.all(waits);
    return convIds.filter((convId) => absent.some((set) => set.has(convId)));
  }

  async #loadPart(convIds: readonly ConvId[]): Promise<ReadonlySet<ConvId>> {
    const absent = new Set<ConvId>();
    const loaded: Conversation[] = [];
    const generation = this.#generation;
    const askedAtMs = Math.floor(this.#clock.monotonicMs());
    try {
      for (const [index, snapshot] of (await this.#store.load(convIds)).entries()) {
        if (generation !== this.#generation) throw restored();
        if (snapshot === undefined) {
          absent.add(convIds[index] as ConvId);
          continue;
        }
        const conversation = new Conversation(snapshot.convId);
        conversation.restore(snapshot);
        conversation.usedAtMs = askedAtMs;
        conversation.confirmedAtMs = askedAtMs;
        loaded.push(conversation);
      }
      if (this.#confirmAfterMs !== undefined) await this.#lookBack(loaded);
      if (generation !== this.#generation) throw restored();
      for (const conversation of loaded) {
        // One that came into being meanwhile knows better.
        if (this.#conversations.has(conversation.convId)) continue;
        this.#hold(conversation);
        if (conversation.unsure !== undefined) this.onTakenOver(conversation);
      }
      return absent;
    } finally {
      if (generation === this.#generation) for (const convId of convIds) this.#loading.delete(convId);
    }
  }

  /** A node that takes over many conversations would have all of them wait for each other's last entries, one by one. */
  async #lookBack(conversations: readonly Conversation[]): Promise<void> {
    const waiting = conversations.values();
    const work = async (): Promise<void> => {
      for (const conversation of waiting) await lookBack(this.#store, this.#clock, conversation);
    };
    await Promise.all(Array.from({ length: lookBacksAtOnce }, work));
  }

  /** Lets go of those that `stays` does not keep, those in use once they are released. */
  letGo(stays: (convId: ConvId) => boolean): void {
    for (const conversation of [...this.#conversations.values()]) {
      if (stays(conversation.convId)) continue;
      if (conversation.pins > 0) this.#leaving.add(conversation);
      else this.#evict(conversation);
    }
  }

  /** Reads again what may have been written by others meanwhile; each once at a time. */
  async #confirm(convIds: readonly ConvId[], afterMs: number): Promise<void> {
    const before = this.#clock.monotonicMs() - afterMs;
    const waits = new Set<Promise<void>>();
    const stale: Conversation[] = [];
    for (const convId of convIds) {
      const conversation = this.#conversations.get(convId);
      if (conversation === undefined || conversation.writing || !conversation.exists) continue;
      if (conversation.confirmedAtMs > before) continue;
      const running = this.#confirming.get(conversation);
      if (running === undefined) stale.push(conversation);
      else waits.add(running);
    }
    if (stale.length > 0) {
      const confirming = this.#confirmAll(stale);
      for (const conversation of stale) this.#confirming.set(conversation, confirming);
      waits.add(confirming);
    }
    await Promise.all(waits);
  }

  async #confirmAll(conversations: readonly Conversation[]): Promise<void> {
    for (const conversation of conversations) conversation.pins += 1;
    try {
      const changed = await this.#changed(conversations);
      if (changed.length > 0) await this.reload(changed);
    } finally {
      for (const conversation of conversations) this.#confirming.delete(conversation);
      this.release(conversations);
    }
  }

  /**
   * Those that the store has otherwise; what is as it was is confirmed. Each change of a conversation changes its head, or
   * what was changed before it: a group of a hundred thousand is not read whole to find that nothing has happened.
   */
  async #changed(conversations: readonly Conversation[]): Promise<readonly Conversation[]> {
    const changed: Conversation[] = [];
    for (let at = 0; at < conversations.length; at += loadAtOnce) {
      const part = conversations.slice(at, at + loadAtOnce);
      const askedAtMs = Math.floor(this.#clock.monotonicMs());
      const heads = await this.#store.heads(part.map(({ convId }) => convId));
      for (const [index, found] of heads.entries()) {
        const conversation = part[index] as Conversation;
        if (conversation.void) throw restored();
        if (!isAs(found, conversation)) {
          changed.push(conversation);
          continue;
        }
        conversation.confirmedAtMs = askedAtMs;
        // Cursors are no part of that: others may have raised some.
        conversation.cursorsLoaded = false;
      }
    }
    return changed;
  }

  #evict(conversation: Conversation): void {
    this.onEvict(conversation);
    this.#drop(conversation);
  }

  #hold(conversation: Conversation): Conversation {
    this.#conversations.set(conversation.convId, conversation);
    return conversation;
  }

  /** From now on, `withMember` finds the conversation. To be called again when members have joined. */
  index(conversation: Conversation): void {
    conversation.indexed = true;
    if (conversation.members.size > indexUpTo) {
      this.#large.add(conversation);
      return;
    }
    for (const [userId, row] of conversation.members)
      if (row.leftSeq === 0) this.indexMember(conversation, userId);
  }

  indexMember(conversation: Conversation, userId: UserId): void {
    if (this.#large.has(conversation)) return;
    let set = this.#byMember.get(userId);
    if (set === undefined) {
      set = new Set();
      this.#byMember.set(userId, set);
    }
    set.add(conversation);
  }

  /** Indexed conversations of which the user is a member now. */
  *withMember(userId: UserId): Iterable<Conversation> {
    for (const conversation of this.#byMember.get(userId) ?? []) {
      if (conversation.present(userId) !== undefined) yield conversation;
    }
    for (const conversation of this.#large)
      if (conversation.present(userId) !== undefined) yield conversation;
  }

  /** Lets go of the least recently used ones beyond the limits. To be called every second or so. */
  evict(): void {
    trimRecent(this.#conversations, this.#limits.maxRecentBytes);
    for (const large of tooLarge(this.#conversations, this.#limits.maxMemberRows)) this.#evict(large);
    const excess = this.#conversations.size - this.#limits.maxConversations;
    if (excess <= 0) return;
    const idle = [...this.#conversations.values()].filter((conversation) => conversation.pins === 0);
    // A tenth more than needed, so that they are not looked through every time.
    for (const conversation of leastRecent(idle, excess + this.#limits.maxConversations / 10)) {
      this.#evict(conversation);
    }
  }

  #drop(conversation: Conversation): void {
    this.#leaving.delete(conversation);
    this.#conversations.delete(conversation.convId);
    this.#large.delete(conversation);
    if (!conversation.indexed) return;
    for (const userId of conversation.members.keys()) {
      const set = this.#byMember.get(userId);
      set?.delete(conversation);
      if (set?.size === 0) this.#byMember.delete(userId);
    }
  }
}

/** Whether the store has it as it is known here. */
function isAs(found: HeadSnapshot | undefined, { head, projectedSeq }: Conversation): boolean {
  return (
    found?.head.seq === head.seq && found.head.msgId === head.msgId && found.projectedSeq === projectedSeq
  );
}

/** Whether the store has lost entries that were known: only a store that was restored does. */
function isBehind(snapshot: ConversationSnapshot | undefined, { exists, head }: Conversation): boolean {
  if (!exists) return false;
  if (snapshot === undefined || snapshot.head.seq < head.seq) return true;
  return snapshot.head.seq === head.seq && snapshot.head.msgId !== head.msgId;
}

function restored(): StoreError {
  return new StoreError('epoch', 'the store was restored meanwhile');
}
