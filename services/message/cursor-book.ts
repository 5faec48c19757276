import type { Seq, UserId } from '../core/ids.ts';
import type { CursorRow, MessageStore } from '../ports/message-store.ts';
import type { Conversation } from './conversation.ts';

/** How far a user is, as this node knows. */
export interface CursorPair {
  deliveredSeq: Seq;
  readSeq: Seq;
  /** ord at readSeq. */
  readOrd: number;
}

export type CursorStep = Partial<Readonly<CursorPair>>;

/** Rows written in one go, at most. */
const flushAtOnce = 5_000;

/**
 * Cursors, written behind: one row a user, conversation and interval, whatever the number of acknowledgements. What a
 * crash loses, clients name again when they sync, and everybody keeps the maximum.
 */
export class CursorBook {
  readonly #store: MessageStore;
  #dirty = new Map<Conversation, Set<UserId>>();
  readonly #loading = new Map<Conversation, Promise<void>>();

  constructor(store: MessageStore) {
    this.#store = store;
  }

  get dirty(): number {
    return this.#dirty.size;
  }

  /** Raises a cursor; false when it already was that far. */
  raise(conversation: Conversation, userId: UserId, step: CursorStep): boolean {
    const pair = conversation.cursors.get(userId);
    const deliveredSeq = Math.max(step.deliveredSeq ?? 0, step.readSeq ?? 0);
    if (pair === undefined) {
      conversation.cursors.set(userId, {
        deliveredSeq,
        readSeq: step.readSeq ?? 0,
        readOrd: step.readOrd ?? 0,
      });
    } else {
      const further = (step.readSeq ?? 0) > pair.readSeq;
      if (!further && deliveredSeq <= pair.deliveredSeq) return false;
      pair.deliveredSeq = Math.max(pair.deliveredSeq, deliveredSeq);
      if (further) {
        pair.readSeq = step.readSeq ?? 0;
        pair.readOrd = step.readOrd ?? 0;
      }
    }
    this.#mark(conversation, userId);
    return true;
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
        const { deliveredSeq, readSeq, readOrd } = this.merged(conversation, row.userId, row);
        conversation.cursors.set(row.userId, { deliveredSeq, readSeq, readOrd });
      }
      conversation.cursorsLoaded = true;
    } finally {
      this.#loading.delete(conversation);
      conversation.pins -= 1;
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
    this.#dirty = new Map();
    let rows: CursorRow[] = [];
    let covered: [Conversation, UserId][] = [];
    const write = async (): Promise<void> => {
      const [written, users] = [rows, covered];
      [rows, covered] = [[], []];
      try {
        await this.#store.raiseCursors(written);
      } catch {
        for (const [conversation, userId] of users) this.#mark(conversation, userId);
      }
    };
    for (const [conversation, users] of dirty) {
      for (const userId of users) {
        const pair = conversation.cursors.get(userId);
        if (pair === undefined || conversation.convNo === undefined) continue;
        const { deliveredSeq, readSeq, readOrd } = pair;
        rows.push({ convNo: conversation.convNo, userId, deliveredSeq, readSeq, readOrd });
        covered.push([conversation, userId]);
        if (rows.length >= flushAtOnce) await write();
      }
    }
    if (rows.length > 0) await write();
    for (const conversation of dirty.keys()) conversation.pins -= 1;
  }

  #mark(conversation: Conversation, userId: UserId): void {
    const users = this.#dirty.get(conversation);
    if (users !== undefined) {
      users.add(userId);
      return;
    }
    // Held until it is written.
    conversation.pins += 1;
    this.#dirty.set(conversation, new Set([userId]));
  }
}

const nowhere: Readonly<CursorPair> = { deliveredSeq: 0, readSeq: 0, readOrd: 0 };
