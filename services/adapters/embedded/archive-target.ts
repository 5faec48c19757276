import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { GenerationCache } from '../../core/generation-cache.ts';
import type { ConvNo } from '../../core/ids.ts';
import { KeyRing, type MasterKey } from '../../core/seal.ts';
import { syncFiles } from '../../core/sync-files.ts';
import { StoreError } from '../../ports/message-store.ts';
import type {
  ArchiveRow,
  ArchiveTable,
  ImportState,
  RowOf,
  StoreRecord,
  StoreTarget,
} from '../../ports/store-archive.ts';
import { archiveRows, estimateRows, hasRows } from './archive-rows.ts';
import {
  clientKeyKey,
  convByNameKey,
  convKey,
  convUserKey,
  entryKey,
  membershipKey,
  msgIdKey,
  table,
} from './keys.ts';
import { beginImport, endImport, putImport, readImport } from './import-mark.ts';
import { type Level, openLevel } from './level.ts';
import { peerOf } from './row-batch.ts';
import { assertRestored } from './restore-mark.ts';
import {
  type ConversationRow,
  decodeConversationRow,
  decodeHeadRow,
  encodeConversationRow,
  encodeConvNo,
  encodeCursorRow,
  encodeEntryRow,
  encodeGroupRow,
  encodeHeadRow,
  encodeMemberRow,
  encodeMembershipRow,
  encodePlaceRow,
  encodeSeq,
  type HeadRow,
} from './rows.ts';
import { type LevelBatch, prepareSchema } from './schema.ts';
import { levelDirectory } from './store-thread.ts';
import { putUser } from './user-rows.ts';

const cacheBytes = 32 * 1024 * 1024;
const conversationsKept = 10_000;

/** Opens a data directory to be filled; see StoreTarget. Made where it isn't there. */
export async function openEmbeddedTarget(
  directory: string,
  masterKeys: readonly MasterKey[],
): Promise<StoreTarget> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const at = path.join(directory, levelDirectory);
  const level = await openLevel(at, { cacheBytes, createIfMissing: true });
  try {
    assertRestored(level);
    await prepareSchema(level, new KeyRing(masterKeys));
    return new EmbeddedTarget(level, at);
  } catch (error) {
    await level.close();
    throw error;
  }
}

class EmbeddedTarget implements StoreTarget {
  readonly #level: Level;
  readonly #directory: string;
  /** Members are listed with what their conversation is. */
  readonly #conversations = new GenerationCache<ConvNo, ConversationRow>(conversationsKept);
  #archiveId = '';

  constructor(level: Level, directory: string) {
    this.#level = level;
    this.#directory = directory;
  }

  async begin(archiveId: string, record: StoreRecord): Promise<ImportState> {
    this.#archiveId = archiveId;
    const under = readImport(this.#level);
    if (under?.archiveId === archiveId)
      return under.epoch === '' ? { t: 'open', frames: under.frames } : { t: 'done', epoch: under.epoch };
    if (under?.epoch === '')
      throw new StoreError('unavailable', 'the import of another export into this store is not finished');
    if (await hasRows(this.#level))
      throw new StoreError('unavailable', 'the store has conversations already: import into an empty one');
    await beginImport(this.#level, archiveId, record);
    return { t: 'open', frames: 0 };
  }

  async write(frame: number, rows: readonly ArchiveRow[]): Promise<void> {
    const batch = this.#level.batch();
    const heads = new Map<ConvNo, HeadRow>();
    for (const row of rows) this.#put(batch, row, heads);
    for (const [convNo, head] of heads) batch.put(convKey(table.head, convNo), encodeHeadRow(head));
    putImport(batch, { archiveId: this.#archiveId, frames: frame + 1, epoch: '' });
    // What a power cut takes from LevelDB's log is a whole end of it, rows and the number of frames alike.
    await batch.write({ sync: false });
  }

  async finish(): Promise<string> {
    const mark = readImport(this.#level);
    if (mark === undefined) throw new StoreError('unavailable', 'no import was begun');
    // Frames were not synced, and LevelDB syncs the log that it writes at the moment, not those before it.
    await syncFiles(this.#directory);
    return endImport(this.#level, mark);
  }

  rows(of: ArchiveTable, after: ArchiveRow | undefined): AsyncIterable<readonly ArchiveRow[]> {
    return archiveRows(this.#level, undefined, of, after);
  }

  estimate(): Promise<number> {
    return estimateRows(this.#level);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#level.close();
  }

  #put(batch: LevelBatch, row: ArchiveRow, heads: Map<ConvNo, HeadRow>): void {
    if (row.t === 'user') {
      putUser(batch, row);
      return;
    }
    const { convNo } = row;
    switch (row.t) {
      case 'conversation': {
        const { convId, kind, users, projectedSeq } = row;
        this.#conversations.set(convNo, { convId, kind, users });
        batch.put(convByNameKey(convId), encodeConvNo(convNo));
        batch.put(convKey(table.conversation, convNo), encodeConversationRow({ convId, kind, users }));
        // Its entries raise it.
        heads.set(convNo, { seq: 0, ord: 0, msgId: 0n, projectedSeq });
        return;
      }
      case 'group':
        batch.put(convKey(table.group, convNo), encodeGroupRow(row.group));
        return;
      case 'member': {
        const { member } = row;
        const { userId } = member;
        const of = this.#conversation(convNo);
        const listed = { convNo, kind: of.kind, peer: peerOf(of, userId), member };
        batch.put(convUserKey(table.member, convNo, userId), encodeMemberRow(member));
        batch.put(membershipKey(userId, of.convId), encodeMembershipRow(listed));
        return;
      }
      case 'cursor':
        batch.put(convUserKey(table.cursor, convNo, row.userId), encodeCursorRow(row));
        return;
      case 'entry':
        this.#putEntry(batch, row, heads);
    }
  }

  #putEntry(batch: LevelBatch, row: RowOf<'entry'>, heads: Map<ConvNo, HeadRow>): void {
    const { convNo, seq, ord, msgId, clientKey } = row;
    batch.put(entryKey(convNo, seq), encodeEntryRow(row));
    batch.put(msgIdKey(msgId), encodePlaceRow({ convNo, seq }));
    if (clientKey !== undefined) batch.put(clientKeyKey(convNo, clientKey), encodeSeq(seq));
    const { projectedSeq } = heads.get(convNo) ?? this.#head(convNo);
    heads.set(convNo, { seq, ord, msgId, projectedSeq });
  }

  #conversation(convNo: ConvNo): ConversationRow {
    const known = this.#conversations.get(convNo);
    if (known !== undefined) return known;
    const value = this.#level.getSync(convKey(table.conversation, convNo));
    if (value === undefined) throw missing(convNo);
    const row = decodeConversationRow(value);
    this.#conversations.set(convNo, row);
    return row;
  }

  #head(convNo: ConvNo): HeadRow {
    const value = this.#level.getSync(convKey(table.head, convNo));
    if (value === undefined) throw missing(convNo);
    return decodeHeadRow(value);
  }
}

function missing(convNo: ConvNo): StoreError {
  return new StoreError('unavailable', `rows of the export belong to no conversation: ${convNo}`);
}
