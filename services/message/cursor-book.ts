import type { Seq, UserId } from '../core/ids.ts';
import type { CursorRow, MessageStore } from '../ports/message-store.ts';
import type { Conversation } from './conversation.ts';
import type { HotConversations } from './hot-conversations.ts';

/** How far a user is, as this node knows. */
export interface CursorPair {
  deliveredSeq: Seq;
  readSeq: Seq;
  /** ord at readSeq. */
  readOrd: number;
}

export type CursorStep = Partial<Readonly<CursorPair>>;

/** A cursor of a hot conversation. */
export interface HeldCursor extends CursorPair {
  readonly conversation: Conversation;
  readonly userId: UserId;
  /** It waits to be written. */
  dirty: boolean;
}

/** Rows written in one go, at most: a commit never stands behind more than these. */
const flushAtOnce = 256;

/**
 * Cursors, written behind: one row a user, conversation and interval, whatever the number of acknowledgements. What a
 * crash loses, clients name again when they sync, and everybody keeps the maximum.
 */
export class CursorBook {
  readonly #store: MessageStore;
  readonly #hot: Pick<HotConversations, 'release'>;
  /** Each holds its conversation until it is written. */
  #dirty: HeldCursor[] = [];
  readonly #loading = new Map<Conversation, Promise<void>>();

  constructor({ store, hot }: { store: MessageStore; hot: Pick<HotConversations, 'release'> }) {
    this.#store = store;
    this.#hot = hot;
  }

  get dirty(): number {
    return this.#dirty.length;
  }

  /** Raises a cursor; false when it already was that far. */
  raise(conversation: Conversation, userId: UserId, step: CursorStep): boolean {
    if (conversation.void) return false;
    let cursor = conversation.cursors.get(userId);
    const { readSeq = 0, readOrd = 0 } = step;
    const deliveredSeq = Math.max(step.deliveredSeq ?? 0, readSeq);
    if (cursor === undefined) {
      cursor = { conversation, userId, deliveredSeq, readSeq, readOrd, dirty: false };
      conversation.cursors.set(userId, cursor);
    } else {
      const further = readSeq > cursor.readSeq;
      if (!further && deliveredSeq <= cursor.deliveredSeq) return false;
      cursor.deliveredSeq = Math.max(cursor.deliveredSeq, deliveredSeq);
      if (further) {
        cursor.readSeq = readSeq;
        cursor.readOrd = readOrd;
      }
    }
    if (!cursor.dirty) this.#wait(cursor);
    return true;
  }

  #wait(cursor: HeldCursor): void {
    cursor.dirty = true;
    cursor.conversation.pins += 1;
    this.#dirty.push(cursor);
  }

  /**
   * Has what the store knows of a conversation's cursors among those of this node: without it, what is told of them
   * would go back after a restart. Rejects with a StoreError.
   */
  load(conversation: Conversation): Promise<void> {
    if (conversation.cursorsLoaded) return Promise.resolve();
    let loading = this.#loading.get(conversation);
    if (loading === undefined) {
      loading = this.#load(conversation);
      this.#loading.set(conversation, loading);
    }
    return loading;
  }

  async #load(conversation: Conversation): Promise<void> {
    conversation.pins += 1;
    try {
      if (conversation.convNo === undefined) return;
      for (const row of await this.#store.cursors(conversation.convNo, undefined)) {
        const { userId } = row;
        const { deliveredSeq, readSeq, readOrd } = this.merged(conversation, userId, row);
        const held = conversation.cursors.get(userId);
        if (held !== undefined) Object.assign(held, { deliveredSeq, readSeq, readOrd });
        else {
          const cursor = { conversation, userId, deliveredSeq, readSeq, readOrd, dirty: false };
          conversation.cursors.set(userId, cursor);
        }
      }
      conversation.cursorsLoaded = true;
    } finally {
      this.#loading.delete(conversation);
      this.#hot.release([conversation]);
    }
  }

  /** The further of what this node and the store know. */
  merged(
    conversation: Conversation | undefined,
    userId: UserId,
    row: CursorRow | undefined,
  ): Readonly<CursorPair> {
    const pair = conversation?.cursors.get(userId);
    if (pair === undefined) return row ?? nowhere;
    if (row === undefined) return pair;
    const read = row.readSeq > pair.readSeq ? row : pair;
    return {
      deliveredSeq: Math.max(row.deliveredSeq, pair.deliveredSeq),
      readSeq: read.readSeq,
      readOrd: read.readOrd,
    };
  }

  /** Writes what has moved. What the store doesn't take is kept for the next time. */
  async flush(): Promise<void> {
    const dirty = this.#dirty;
    this.#dirty = [];
    for (let at = 0; at < dirty.length; at += flushAtOnce)
      await this.#write(dirty.slice(at, at + flushAtOnce));
  }

  async #write(part: readonly HeldCursor[]): Promise<void> {
    const rows: CursorRow[] = [];
    for (const cursor of part) {
      // What moves from here on is for the next time.
      cursor.dirty = false;
      const { conversation, userId, deliveredSeq, readSeq, readOrd } = cursor;
      if (conversation.convNo === undefined || conversation.void) continue;
      rows.push({ convNo: conversation.convNo, userId, deliveredSeq, readSeq, readOrd });
    }
    try {
      if (rows.length > 0) await this.#store.raiseCursors(rows);
    } catch {
      for (const cursor of part) {
        const { conversation, dirty } = cursor;
        if (conversation.convNo !== undefined && !conversation.void && !dirty) this.#wait(cursor);
      }
    }
    // One that this node has let go of meanwhile waits for nothing else.
    this.#hot.release(part.map(({ conversation }) => conversation));
  }
}

const nowhere: Readonly<CursorPair> = { deliveredSeq: 0, readSeq: 0, readOrd: 0 };
