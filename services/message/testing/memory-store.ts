import { type ByteString } from '../../core/byte-string.ts';
import { messageContent } from '../../codec/frames.ts';
import type { ConvId, ConvNo, MsgId, Seq, UserId } from '../../core/ids.ts';
import {
  type ClientKey,
  type CommitBatch,
  type CommitOutcome,
  type ConversationCommit,
  type ConversationSnapshot,
  type HeadSnapshot,
  type CursorRow,
  type Duplicate,
  type EntryPlace,
  type MemberRow,
  type Membership,
  type MessageStore,
  type NewEntry,
  StoreError,
  type StoredEntry,
  type StoreReport,
  type WorkerLease,
} from '../../ports/message-store.ts';
import type { Outbox, OutboxSpan } from '../../ports/outbox.ts';
import { spanOf } from '../../ports/outbox-codec.ts';
import { SoundBatch } from '../../ports/sound-batch.ts';
import { toStored } from '../draft.ts';
import { MemoryOutbox } from './memory-outbox.ts';
import {
  copyOf,
  freeWorker,
  headOf,
  type KeptConversation,
  membership,
  type MemoryRows,
  newRows,
  workerOf,
} from './memory-rows.ts';

interface MemoryStoreParts {
  readonly rows?: MemoryRows;
  readonly incarnation?: () => string;
  readonly nowMs?: () => number;
}

const mostAtOnce = 1_000;
const keyLength = 16;

/**
 * A store for simulations, in memory: what MySQL's and the embedded store's keys would refuse, it refuses. `turn` is
 * awaited before and after each operation, so that a test can have them happen in any order, or fail.
 */
export class MemoryStore implements MessageStore {
  readonly clientKeySecret = new Uint8Array(32);
  readonly #rows: MemoryRows;
  /** As it was when the store was opened, or as it was adopted since. */
  epoch: string;
  #closed = false;
  turn: (operation: string, when: 'before' | 'after') => Promise<void> = async () => {};
  /** How many rows each commit wrote: entries, members, groups, heads. */
  readonly rows: number[] = [];
  readonly outbox: Outbox;
  readonly #incarnation: (() => string) | undefined;
  readonly #nowMs: () => number;

  /** `incarnation`: in whose name commits leave rows in the outbox; none are left without it. `nowMs`: the store's clock. */
  constructor({ rows = newRows(), incarnation, nowMs = Date.now }: MemoryStoreParts = {}) {
    this.#rows = rows;
    this.epoch = rows.epoch;
    this.#incarnation = incarnation;
    this.#nowMs = nowMs;
    this.outbox = new MemoryOutbox({ rows, nowMs });
  }

  get #byId() {
    return this.#rows.byId;
  }

  get #byNo() {
    return this.#rows.byNo;
  }

  /** A store on the same rows, as a process opens it that comes later. */
  reopened(parts: Omit<MemoryStoreParts, 'rows'> = {}): MemoryStore {
    return new MemoryStore({ ...parts, rows: this.#rows });
  }

  /** The rows as they are now, to be restored. */
  backup(): MemoryRows {
    return copyOf(this.#rows);
  }

  /** The rows become those of a backup, under another epoch; stores that are open keep the epoch that they know. */
  restore(backup: MemoryRows, epoch: string): void {
    const { byId, byNo, places, cursors } = copyOf(backup);
    const rows = this.#rows;
    for (const [kept, restored] of [
      [rows.byId, byId],
      [rows.byNo, byNo],
      [rows.places, places],
      [rows.cursors, cursors],
    ] as const) {
      kept.clear();
      for (const [key, value] of restored) (kept as Map<unknown, unknown>).set(key, value);
    }
    rows.outbox = backup.outbox;
    rows.epoch = epoch;
  }

  async readEpoch(): Promise<string> {
    return this.#op('readEpoch', () => this.#rows.epoch);
  }

  adoptEpoch(epoch: string): void {
    this.epoch = epoch;
  }

  async renewEpoch(from: string): Promise<string> {
    return this.#op('renewEpoch', () => {
      if (this.#rows.epoch === from) this.#rows.epoch = `${from}'`;
      return this.#rows.epoch;
    });
  }

  async load(convIds: readonly ConvId[]): Promise<readonly (ConversationSnapshot | undefined)[]> {
    return this.#op('load', () => {
      assertFew(convIds.length);
      return convIds.map((convId) => this.#snapshot(this.#byId.get(convId)));
    });
  }

  async heads(convIds: readonly ConvId[]): Promise<readonly (HeadSnapshot | undefined)[]> {
    return this.#op('heads', () => {
      assertFew(convIds.length);
      return convIds.map((convId) => {
        const snapshot = this.#snapshot(this.#byId.get(convId));
        return snapshot && { convId, head: snapshot.head, projectedSeq: snapshot.projectedSeq };
      });
    });
  }

  async commit({ batchId, epoch, conversations }: CommitBatch): Promise<readonly CommitOutcome[]> {
    return this.#op('commit', () => {
      if (epoch !== this.#rows.epoch)
        throw new StoreError('epoch', `the epoch is ${this.#rows.epoch}, not ${epoch}`);
      this.#assertSound(conversations);
      let rows = 0;
      const spans: OutboxSpan[] = [];
      const outcomes = conversations.map((commit) => {
        const outcome = this.#commit(commit, spans);
        if (outcome.t === 'committed')
          rows += commit.entries.length + commit.projections.length + commit.members.length + 1;
        return outcome;
      });
      this.rows.push(rows);
      if (spans.length > 0 && this.#incarnation !== undefined) {
        const part = { incarnation: this.#incarnation(), batchId, createdAtMs: this.#nowMs(), spans };
        this.#rows.outbox = [...this.#rows.outbox, part];
      }
      return outcomes;
    });
  }

  async range(convNo: ConvNo, from: Seq, to: Seq, limit: number, backward: boolean) {
    return this.#op('range', () => {
      assertLimit(limit);
      const found = this.#byNo.get(convNo)?.entries.slice(Math.max(0, from - 1), to) ?? [];
      return backward ? found.slice(-limit) : found.slice(0, limit);
    });
  }

  async findClientKeys(convNo: ConvNo, keys: readonly ClientKey[]): Promise<readonly Duplicate[]> {
    return this.#op('findClientKeys', () => {
      assertFew(keys.length);
      const known = this.#byNo.get(convNo)?.keys;
      return keys.flatMap((key) => known?.get(key) ?? []);
    });
  }

  async locate(msgId: MsgId): Promise<EntryPlace | undefined> {
    return this.#op('locate', () => this.#rows.places.get(msgId));
  }

  async memberships(
    userId: UserId,
    after: ConvId | undefined,
    limit: number,
  ): Promise<readonly Membership[]> {
    return this.#op('memberships', () => {
      assertLimit(limit);
      return [...this.#byId.values()]
        .filter(({ members }) => members.has(userId))
        .filter(({ convId }) => after === undefined || bytewise(convId, after) > 0)
        .sort((one, other) => bytewise(one.convId, other.convId))
        .slice(0, limit)
        .map((conversation) => membership(conversation, userId, this.#rows.cursors.get(conversation.convNo)));
    });
  }

  async cursors(convNo: ConvNo, users: readonly UserId[] | undefined): Promise<readonly CursorRow[]> {
    return this.#op('cursors', () =>
      [...(this.#rows.cursors.get(convNo)?.values() ?? [])].filter(
        ({ userId }) => users === undefined || users.includes(userId),
      ),
    );
  }

  async raiseCursors(rows: readonly CursorRow[]): Promise<void> {
    // The caller's, as it is now: by the time that they are written it may have heard of the next one.
    const { epoch } = this;
    return this.#op('raiseCursors', () => {
      // They count entries that a restored store may not have.
      if (epoch !== this.#rows.epoch) return;
      for (const row of rows) {
        const cursors = this.#rows.cursors.get(row.convNo) ?? new Map<UserId, CursorRow>();
        this.#rows.cursors.set(row.convNo, cursors);
        const old = cursors.get(row.userId);
        const { readSeq, readOrd } = old !== undefined && old.readSeq >= row.readSeq ? old : row;
        const deliveredSeq = Math.max(row.deliveredSeq, old?.deliveredSeq ?? 0);
        cursors.set(row.userId, { ...row, deliveredSeq, readSeq, readOrd });
      }
    });
  }

  async leaseWorker(holder: string, nowMs: number, untilMs: number): Promise<WorkerLease> {
    return this.#op('leaseWorker', () => {
      const { leases } = this.#rows;
      const worker = workerOf(leases, holder) ?? freeWorker(leases, nowMs);
      if (worker === undefined) throw new StoreError('unavailable', 'all worker numbers are taken');
      const held = leases.get(worker);
      const reservedUntilMs = held?.holder === holder ? Math.max(held.reservedUntilMs, untilMs) : untilMs;
      leases.set(worker, { holder, reservedUntilMs });
      return { worker, reservedUntilMs };
    });
  }

  async check(onProgress?: (entries: number) => void): Promise<StoreReport> {
    return this.#op('check', () => {
      let checked = 0;
      for (const { entries } of this.#byId.values()) checked += entries.length;
      onProgress?.(checked);
      return { conversations: this.#byId.size, entries: checked, problems: [] };
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  /** The epoch that the rows have, whatever this store knows. */
  get presentEpoch(): string {
    return this.#rows.epoch;
  }

  /** All conversations that there are. */
  convIds(): readonly ConvId[] {
    return [...this.#byId.keys()];
  }

  /** The whole log, as it stands. */
  log(convId: ConvId): readonly StoredEntry[] {
    return this.#byId.get(convId)?.entries ?? [];
  }

  /** How much of a group newcomers may read; undefined for what is no group. */
  historyOf(convId: ConvId) {
    return this.#byId.get(convId)?.group?.history;
  }

  memberRow(convId: ConvId, userId: UserId): MemberRow | undefined {
    return this.#byId.get(convId)?.members.get(userId);
  }

  async #op<T>(name: string, act: () => T): Promise<T> {
    if (this.#closed) throw new StoreError('unavailable', 'the store is closed');
    await this.turn(name, 'before');
    const result = act();
    await this.turn(name, 'after');
    return result;
  }

  /** Throws before anything is written. */
  #assertSound(conversations: readonly ConversationCommit[]): void {
    const sound = new SoundBatch();
    for (const commit of conversations) {
      sound.assert(commit);
      const { convId, entries, projections } = commit;
      if (entries.some(({ clientKey }) => clientKey !== undefined && clientKey.length !== keyLength))
        throw new StoreError('rejected', `a client key has not ${keyLength} bytes`);
      const log = this.#byId.get(convId)?.entries ?? [];
      const first = entries[0] as NewEntry;
      // What is fenced, or was written before, is not written.
      if (log.length !== first.seq - 1) continue;
      for (const { seq, msgId, revision } of projections) {
        const old = log[seq - 1];
        const fits = old === undefined ? entries[seq - first.seq]?.msgId === msgId : old.msgId === msgId;
        if (!fits || (old?.revision ?? 0) >= revision)
          throw new StoreError('rejected', `a projection of ${seq} that does not fit`);
      }
    }
  }

  /** What it writes is noted in `spans`. */
  #commit(commit: ConversationCommit, spans: OutboxSpan[]): CommitOutcome {
    const { convId, convNo, entries, create } = commit;
    const existing = this.#byId.get(convId);
    const first = entries[0] as NewEntry;
    const fresh =
      create === undefined
        ? existing?.convNo === convNo && existing.entries.length === first.seq - 1
        : existing === undefined;
    const duplicates = entries.flatMap(({ clientKey }) =>
      clientKey === undefined ? [] : (existing?.keys.get(clientKey) ?? []),
    );
    if (fresh && duplicates.length === 0) {
      this.#write(commit, existing ?? this.#create(commit));
      spans.push(spanOf(commit));
      return { t: 'committed' };
    }
    const there = entries.every(({ seq, msgId }) => existing?.entries[seq - 1]?.msgId === msgId);
    if (existing?.convNo === convNo && there) return { t: 'committed' };
    return fresh ? { t: 'duplicate', duplicates } : { t: 'fenced', duplicates };
  }

  #create({ convNo, convId, create }: ConversationCommit): KeptConversation {
    const conversation: KeptConversation = {
      convNo,
      convId,
      kind: create ?? 'group',
      entries: [],
      keys: new Map(),
      members: new Map(),
      group: undefined,
      projectedSeq: 0,
    };
    this.#byId.set(convId, conversation);
    this.#byNo.set(convNo, conversation);
    return conversation;
  }

  #write({ entries, projections, members, group }: ConversationCommit, into: KeptConversation): void {
    for (const entry of entries) {
      into.entries.push(toStored(entry));
      this.#rows.places.set(entry.msgId, { convId: into.convId, seq: entry.seq });
      if (entry.clientKey === undefined) continue;
      const { clientKey, seq, msgId, kind, createdAtMs } = entry;
      into.keys.set(clientKey, { clientKey, seq, msgId, kind, createdAtMs });
    }
    for (const { seq, revision, recalled, content } of projections)
      into.entries[seq - 1] = { ...(into.entries[seq - 1] as StoredEntry), revision, recalled, content };
    if (projections.length > 0)
      into.projectedSeq = entries.findLast(({ kind }) => kind !== 'message')?.seq ?? into.entries.length;
    for (const member of members) into.members.set(member.userId, member);
    if (group !== undefined) into.group = group;
  }

  #snapshot(conversation: KeptConversation | undefined): ConversationSnapshot | undefined {
    if (conversation === undefined) return undefined;
    const { convNo, convId, kind, projectedSeq, group, members } = conversation;
    return {
      convNo,
      convId,
      kind,
      head: headOf(conversation),
      projectedSeq,
      group,
      members: [...members.values()],
    };
  }
}

function assertFew(count: number): void {
  if (count > mostAtOnce) throw new StoreError('rejected', `more than ${mostAtOnce} at once`);
}

function assertLimit(limit: number): void {
  if (limit < 1 || limit > mostAtOnce) throw new StoreError('rejected', `a limit of ${limit}`);
}

/** As UTF-8 is ordered; UTF-16 differs beyond the first plane. */
function bytewise(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}

/** Content of a message with this text, as stored. */
export function textContent(clientId: string, text: string): ByteString {
  const encoded = Buffer.from(text);
  return messageContent(clientId, Uint8Array.from([0x12, encoded.length, ...encoded]));
}
