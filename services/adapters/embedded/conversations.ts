import type { ConvNo } from '../../core/ids.ts';
import type { Database } from './database.ts';
import { GenerationCache } from '../../core/generation-cache.ts';
import { convKey, table } from './keys.ts';
import type { LevelSnapshot } from './level.ts';
import { type ConversationRow, decodeConversationRow, decodeHeadRow, type HeadRow } from './rows.ts';
import type { ConversationSeal, KeyRing } from '../../core/seal.ts';

/** What every commit needs of a conversation. */
export interface Conversation {
  readonly row: ConversationRow;
  readonly head: HeadRow;
  readonly seal: ConversationSeal;
}

/** Heads and rows of conversations, read once and kept: the store's thread is the only writer there is. */
export class Conversations {
  readonly #database: Database;
  readonly #keys: KeyRing;
  readonly #cache: GenerationCache<ConvNo, Conversation>;

  constructor(database: Database, keys: KeyRing, capacity = 65_536) {
    this.#database = database;
    this.#keys = keys;
    this.#cache = new GenerationCache(capacity);
  }

  /** As of the last commit that was written. */
  get(convNo: ConvNo): Conversation | undefined {
    const cached = this.#cache.get(convNo);
    if (cached !== undefined) return cached;
    const found = this.read(convNo, undefined);
    if (found !== undefined) this.#cache.set(convNo, found);
    return found;
  }

  /** As of a snapshot, past the cache. */
  read(convNo: ConvNo, snapshot: LevelSnapshot | undefined): Conversation | undefined {
    const { level } = this.#database;
    const options = { snapshot };
    const row = level.getSync(convKey(table.conversation, convNo), options);
    if (row === undefined) return undefined;
    const head = level.getSync(convKey(table.head, convNo), options);
    if (head === undefined) throw new RangeError(`conversation ${convNo} has no head`);
    return this.make(decodeConversationRow(row), decodeHeadRow(head));
  }

  make(row: ConversationRow, head: HeadRow): Conversation {
    return { row, head, seal: this.#keys.of(row.convId) };
  }

  set(convNo: ConvNo, conversation: Conversation): void {
    this.#cache.set(convNo, conversation);
  }

  /** After a failed write nothing that was kept is certain. */
  clear(): void {
    this.#cache.clear();
  }
}
