import type { ConvNo, MsgId, UserId } from '../../core/ids.ts';
import {
  type CommitOutcome,
  type ConversationCommit,
  type Duplicate,
  type NewEntry,
  type Projection,
  StoreError,
} from '../../ports/message-store.ts';
import type { Conversation, Conversations } from './conversations.ts';
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
import type { Level } from './level.ts';
import {
  type ConversationRow,
  decodeConvNo,
  decodeEntryRow,
  decodeSeq,
  encodeConversationRow,
  encodeConvNo,
  encodeEntryRow,
  encodeGroupRow,
  encodeHeadRow,
  encodeMemberRow,
  encodeMembershipRow,
  encodePlaceRow,
  encodeSeq,
  msgIdOfEntryRow,
} from './rows.ts';
import type { LevelBatch } from './schema.ts';
import type { KeyRing } from './seal.ts';

/**
 * One batch on its way into LevelDB: looks up what MySQL's unique keys would say, and puts the rows of the conversations
 * that may be written into one atomic LevelDB batch. Nothing is visible before that batch is written.
 */
export class Staging {
  readonly #level: Level;
  readonly #keys: KeyRing;
  readonly #conversations: Conversations;
  readonly #batch: LevelBatch;
  readonly #seen = new Set<ConvNo | string>();
  /** The conversations as they will be once the batch is written. */
  readonly staged: {
    readonly convNo: ConvNo;
    readonly conversation: Conversation;
    readonly commit: ConversationCommit;
  }[] = [];

  constructor(level: Level, keys: KeyRing, conversations: Conversations) {
    this.#level = level;
    this.#keys = keys;
    this.#conversations = conversations;
    this.#batch = level.batch();
  }

  /** Whether anything is to be written. */
  get empty(): boolean {
    return this.staged.length === 0;
  }

  write(sync: boolean): Promise<void> {
    return this.#batch.write({ sync });
  }

  discard(): Promise<void> {
    return this.#batch.close();
  }

  /** Throws `rejected` for what can never be written. */
  add(commit: ConversationCommit): CommitOutcome {
    this.#assertSound(commit);
    const existing = this.#existing(commit);
    const first = commit.entries[0] as NewEntry;
    const fresh = commit.create === undefined ? existing?.head.seq === first.seq - 1 : existing === undefined;
    // A conversation that is only now made can't have any client key yet.
    const duplicates = existing === undefined ? [] : this.#duplicates(existing.convNo, commit.entries);
    if (fresh && duplicates.length === 0) {
      this.#stage(commit, existing);
      return { t: 'committed' };
    }
    if (existing?.convNo === commit.convNo && this.#isThere(commit)) return { t: 'committed' };
    return fresh ? { t: 'duplicate', duplicates } : { t: 'fenced', duplicates };
  }

  /** Whether all of the commit's entries stand in the log with the msg ids given. */
  #isThere(commit: ConversationCommit): boolean {
    return commit.entries.every((entry) => this.#msgIdAt(commit.convNo, entry.seq) === entry.msgId);
  }

  #existing(commit: ConversationCommit): (Conversation & { readonly convNo: ConvNo }) | undefined {
    let { convNo } = commit;
    if (commit.create !== undefined) {
      const named = this.#level.getSync(convByNameKey(commit.convId));
      if (named !== undefined) convNo = decodeConvNo(named);
    }
    const found = this.#conversations.get(convNo);
    if (found === undefined) return undefined;
    if (found.row.convId !== commit.convId)
      throw rejected(`conversation ${convNo} is ${found.row.convId}, not ${commit.convId}`);
    return { row: found.row, head: found.head, convNo };
  }

  #duplicates(convNo: ConvNo, entries: readonly NewEntry[]): Duplicate[] {
    const duplicates: Duplicate[] = [];
    for (const { clientKey } of entries) {
      const duplicate = clientKey && findDuplicate(this.#level, convNo, clientKey);
      if (duplicate !== undefined) duplicates.push(duplicate);
    }
    return duplicates;
  }

  #stage(commit: ConversationCommit, existing: Conversation | undefined): void {
    const batch = this.#batch;
    const { convNo, entries } = commit;
    const row = existing?.row ?? this.#create(commit);
    this.#stageEntries(commit);
    for (const member of commit.members) {
      const peer = peerOf(row, member.userId);
      batch.put(convUserKey(table.member, convNo, member.userId), encodeMemberRow(member));
      batch.put(
        membershipKey(member.userId, row.convId),
        encodeMembershipRow({ convNo, kind: row.kind, peer, member }),
      );
    }
    if (commit.group !== undefined) batch.put(convKey(table.group, convNo), encodeGroupRow(commit.group));
    const last = entries.at(-1) as NewEntry;
    const projectedSeq =
      commit.projections.length === 0
        ? (existing?.head.projectedSeq ?? 0)
        : (entries.findLast((entry) => entry.kind !== 'message') ?? last).seq;
    const head = { seq: last.seq, ord: last.ord, msgId: last.msgId, projectedSeq };
    batch.put(convKey(table.head, convNo), encodeHeadRow(head));
    this.staged.push({ convNo, conversation: { row, head }, commit });
  }

  #create(commit: ConversationCommit): ConversationRow {
    const { convNo, convId } = commit;
    const kind = commit.create ?? 'group';
    const row = {
      convId,
      kind,
      users: kind === 'direct' ? commit.members.map((member) => member.userId) : [],
    };
    this.#batch.put(convByNameKey(convId), encodeConvNo(convNo));
    this.#batch.put(convKey(table.conversation, convNo), encodeConversationRow(row));
    return row;
  }

  #stageEntries(commit: ConversationCommit): void {
    const { convNo, entries } = commit;
    const first = entries[0] as NewEntry;
    const changes = new Map<MsgId, Projection>();
    for (const projection of commit.projections) {
      const { seq, msgId } = projection;
      if (seq < first.seq) this.#project(commit, projection);
      else if (entries[seq - first.seq]?.msgId === msgId) changes.set(msgId, projection);
      else throw rejected(`a projection names ${msgId} at seq ${seq}`);
    }
    for (const entry of entries) {
      // An entry of this very batch is written as it is after its change: its first content never reaches the disk.
      const change = changes.get(entry.msgId);
      this.#putEntry(commit, { ...entry, recalled: false, revision: 0 }, change);
      if (entry.clientKey !== undefined)
        this.#batch.put(clientKeyKey(convNo, entry.clientKey), encodeSeq(entry.seq));
      this.#batch.put(msgIdKey(entry.msgId), encodePlaceRow({ convNo, seq: entry.seq }));
    }
  }

  #project(commit: ConversationCommit, projection: Projection): void {
    const value = this.#level.getSync(entryKey(commit.convNo, projection.seq));
    const row = value && decodeEntryRow(value);
    if (row === undefined || row.msgId !== projection.msgId)
      throw rejected(`a projection names ${projection.msgId} at seq ${projection.seq}`);
    if (row.revision >= projection.revision)
      throw rejected(`seq ${projection.seq} has revision ${row.revision} already`);
    this.#putEntry(commit, { ...row, seq: projection.seq }, projection);
  }

  #putEntry(
    { convNo, convId }: ConversationCommit,
    entry: Omit<NewEntry, 'content'> & {
      readonly content?: Uint8Array;
      readonly recalled: boolean;
      readonly revision: number;
    },
    change: Projection | undefined,
  ): void {
    const revision = change?.revision ?? entry.revision;
    const content = change?.content ?? entry.content ?? new Uint8Array(0);
    const sealed = this.#keys.seal(convId, entry.msgId, revision, content);
    this.#batch.put(
      entryKey(convNo, entry.seq),
      encodeEntryRow({
        msgId: entry.msgId,
        kind: entry.kind,
        ord: entry.ord,
        sender: entry.sender,
        createdAtMs: entry.createdAtMs,
        recalled: change?.recalled ?? entry.recalled,
        revision,
        clientKey: entry.clientKey,
        keyId: sealed.keyId,
        sealed: sealed.bytes,
      }),
    );
  }

  #msgIdAt(convNo: ConvNo, seq: number): MsgId | undefined {
    const value = this.#level.getSync(entryKey(convNo, seq));
    return value && msgIdOfEntryRow(value);
  }

  /** What no caller that works would send; MySQL would refuse most of it by a key. */
  #assertSound(commit: ConversationCommit): void {
    const { entries, convNo, convId, create, members } = commit;
    const first = entries[0];
    if (first === undefined) throw rejected(`nothing to write for ${convId}`);
    if (first.seq < 1 || (create !== undefined && first.seq !== 1))
      throw rejected(`${convId} can't begin at seq ${first.seq}`);
    if (this.#seen.has(convNo) || this.#seen.has(convId)) throw rejected(`${convId} is twice in one batch`);
    this.#seen.add(convNo).add(convId);
    if (create === 'direct' && (members.length < 1 || members.length > 2))
      throw rejected(`a direct conversation of ${members.length} users`);
    if (entries.length === 1) return;
    const clientKeys = new Set<string>();
    entries.forEach((entry, at) => {
      if (entry.seq !== first.seq + at) throw rejected(`${convId} has a gap before seq ${entry.seq}`);
      if (entry.clientKey === undefined) return;
      const clientKey = Buffer.from(entry.clientKey).toString('latin1');
      if (clientKeys.has(clientKey)) throw rejected(`${convId} has the same client key twice`);
      clientKeys.add(clientKey);
    });
  }
}

export function findDuplicate(level: Level, convNo: ConvNo, clientKey: Uint8Array): Duplicate | undefined {
  const found = level.getSync(clientKeyKey(convNo, clientKey));
  if (found === undefined) return undefined;
  const seq = decodeSeq(found);
  const value = level.getSync(entryKey(convNo, seq));
  if (value === undefined)
    throw new StoreError('unavailable', `entry ${seq} of conversation ${convNo} is missing`);
  const { msgId, kind, createdAtMs } = decodeEntryRow(value);
  return { clientKey, seq, msgId, kind, createdAtMs };
}

/** The other user of a direct conversation; the user himself where he talks to himself. */
export function peerOf(row: ConversationRow, user: UserId): UserId | undefined {
  if (row.kind !== 'direct') return undefined;
  return row.users.find((other) => other !== user) ?? user;
}

function rejected(message: string): StoreError {
  return new StoreError('rejected', message);
}
