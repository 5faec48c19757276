import type { ConvNo, MsgId } from '../../core/ids.ts';
import {
  type CommitOutcome,
  type ConversationCommit,
  type Duplicate,
  type NewEntry,
  type Projection,
  StoreError,
} from '../../ports/message-store.ts';
import type { OutboxSpan } from '../../ports/outbox.ts';
import { spanOf } from '../../ports/outbox-codec.ts';
import { SoundBatch } from '../../ports/sound-batch.ts';
import type { ClientKeyFilter } from './client-keys.ts';
import type { Conversation, Conversations } from './conversations.ts';
import { findDuplicate } from './duplicates.ts';
import { convByNameKey, entryKey } from './keys.ts';
import type { Level } from './level.ts';
import type { Places } from './places.ts';
import { RowBatch } from './row-batch.ts';
import { decodeConvNo, decodeEntryRow, msgIdOfEntryRow } from './rows.ts';

/** A conversation as it will be once the batch is written. */
interface Staged {
  readonly convNo: ConvNo;
  readonly conversation: Conversation;
  readonly entries: readonly NewEntry[];
  readonly span: OutboxSpan;
}

/**
 * One batch on its way into LevelDB: looks up what MySQL's unique keys would say, and puts the rows of the conversations
 * that may be written into one atomic LevelDB batch. Nothing is visible before that batch is written.
 */
export class Staging {
  readonly #level: Level;
  readonly #conversations: Conversations;
  readonly #clientKeys: ClientKeyFilter;
  readonly #sound = new SoundBatch();
  readonly rows: RowBatch;
  readonly staged: Staged[] = [];

  constructor(level: Level, conversations: Conversations, clientKeys: ClientKeyFilter, places: Places) {
    this.#level = level;
    this.#conversations = conversations;
    this.#clientKeys = clientKeys;
    this.rows = new RowBatch(level, clientKeys, places);
  }

  /** Whether nothing is to be written. */
  get empty(): boolean {
    return this.staged.length === 0;
  }

  /** Throws `rejected` for what can never be written. */
  add(commit: ConversationCommit): CommitOutcome {
    this.#sound.assert(commit);
    const convNo = this.#existingNo(commit);
    const existing = this.#conversations.get(convNo);
    if (existing !== undefined && existing.row.convId !== commit.convId)
      throw rejected(`conversation ${convNo} is ${existing.row.convId}, not ${commit.convId}`);
    const first = commit.entries[0] as NewEntry;
    const fresh = commit.create === undefined ? existing?.head.seq === first.seq - 1 : existing === undefined;
    // A conversation that is only now made can't have any client key yet.
    const duplicates = existing === undefined ? [] : this.#duplicates(convNo, commit.entries);
    if (fresh && duplicates.length === 0) {
      this.#stage(commit, existing);
      return { t: 'committed' };
    }
    if (convNo === commit.convNo && this.#stands(commit)) return { t: 'committed' };
    return fresh ? { t: 'duplicate', duplicates } : { t: 'fenced', duplicates };
  }

  /** The conversation's number: where one is to be made whose id is there already, the number that one has. */
  #existingNo({ convNo, convId, create }: ConversationCommit): ConvNo {
    const named = create === undefined ? undefined : this.#level.getSync(convByNameKey(convId));
    return named === undefined ? convNo : decodeConvNo(named);
  }

  #duplicates(convNo: ConvNo, entries: readonly NewEntry[]): Duplicate[] {
    const duplicates: Duplicate[] = [];
    for (const { clientKey } of entries) {
      if (clientKey === undefined) continue;
      const mayHave = (key: Buffer) => this.#clientKeys.mayHave(key);
      const duplicate = findDuplicate(this.#level, convNo, clientKey, mayHave);
      if (duplicate !== undefined) duplicates.push(duplicate);
    }
    return duplicates;
  }

  /** Whether all of the commit's entries stand in the log with the msg ids given. */
  #stands({ convNo, entries }: ConversationCommit): boolean {
    return entries.every((entry) => {
      const value = this.#level.getSync(entryKey(convNo, entry.seq));
      return value !== undefined && msgIdOfEntryRow(value) === entry.msgId;
    });
  }

  #stage(commit: ConversationCommit, existing: Conversation | undefined): void {
    const { convNo, entries, projections } = commit;
    const { row, seal } = existing ?? this.#create(commit);
    const last = entries.at(-1) as NewEntry;
    const projectedSeq =
      projections.length === 0
        ? (existing?.head.projectedSeq ?? 0)
        : (entries.findLast((entry) => entry.kind !== 'message') ?? last).seq;
    const head = { seq: last.seq, ord: last.ord, msgId: last.msgId, projectedSeq };
    const conversation = { row, head, seal };
    this.#stageEntries(commit, conversation);
    for (const member of commit.members) this.rows.member(convNo, row, member);
    if (commit.group !== undefined) this.rows.group(convNo, commit.group);
    this.rows.head(convNo, head);
    this.staged.push({ convNo, conversation, entries, span: spanOf(commit) });
  }

  #create({ convNo, convId, create, members }: ConversationCommit): Conversation {
    const kind = create ?? 'group';
    const users = kind === 'direct' ? members.map((member) => member.userId) : [];
    const row = { convId, kind, users };
    this.rows.conversation(convNo, row);
    return this.#conversations.make(row, { seq: 0, ord: 0, msgId: 0n, projectedSeq: 0 });
  }

  #stageEntries({ convNo, entries, projections }: ConversationCommit, { seal }: Conversation): void {
    const changes = new Map<MsgId, Projection>();
    const first = (entries[0] as NewEntry).seq;
    for (const projection of projections) {
      const { seq, msgId } = projection;
      if (seq < first) this.#project(convNo, seal, projection);
      else if (entries[seq - first]?.msgId === msgId) changes.set(msgId, projection);
      else throw rejected(`a projection names ${msgId} at seq ${seq}`);
    }
    // An entry of this very batch is written as it is after its change: its first content never reaches the disk.
    for (const entry of entries) this.rows.entry(convNo, seal, entry, changes.get(entry.msgId));
  }

  #project(convNo: ConvNo, seal: Conversation['seal'], projection: Projection): void {
    const { seq, msgId, revision } = projection;
    const value = this.#level.getSync(entryKey(convNo, seq));
    const row = value && decodeEntryRow(value);
    if (row === undefined || row.msgId !== msgId) throw rejected(`a projection names ${msgId} at seq ${seq}`);
    if (row.revision >= revision) throw rejected(`seq ${seq} has revision ${row.revision} already`);
    this.rows.changed(convNo, seq, seal, row, projection);
  }
}

function rejected(message: string): StoreError {
  return new StoreError('rejected', message);
}
