import { type ByteString } from '../../core/byte-string.ts';
import { messageContent } from '../../codec/frames.ts';
import type { ConvId, ConvNo, MsgId, Seq, UserId } from '../../core/ids.ts';
import {
  type ClientKey,
  type CommitBatch,
  type CommitOutcome,
  type ConversationCommit,
  type ConversationSnapshot,
  type CursorRow,
  type Duplicate,
  type EntryPlace,
  type GroupRow,
  type Head,
  type MemberRow,
  type Membership,
  type MessageStore,
  StoreError,
  type StoredEntry,
} from '../../ports/message-store.ts';
import { toStored } from '../draft.ts';

interface Conversation {
  readonly convNo: ConvNo;
  readonly convId: ConvId;
  readonly kind: ConversationSnapshot['kind'];
  readonly entries: StoredEntry[];
  readonly keys: Map<string, Duplicate>;
  readonly members: Map<UserId, MemberRow>;
  readonly cursors: Map<UserId, CursorRow>;
  group: GroupRow | undefined;
  projectedSeq: Seq;
}

/**
 * A store for simulations, in memory: what MySQL's and the embedded store's keys would refuse, it refuses. `turn` is
 * awaited before and after each operation, so that a test can have them happen in any order, or fail.
 */
export class MemoryStore implements MessageStore {
  epoch = 'epoch';
  readonly clientKeySecret = new Uint8Array(32);
  readonly #byId = new Map<ConvId, Conversation>();
  readonly #byNo = new Map<ConvNo, Conversation>();
  turn: (operation: string, when: 'before' | 'after') => Promise<void> = async () => {};
  /** How many rows each commit wrote: entries, members, groups, heads. */
  readonly rows: number[] = [];

  async load(convIds: readonly ConvId[]): Promise<readonly (ConversationSnapshot | undefined)[]> {
    return this.#op('load', () => convIds.map((convId) => this.#snapshot(this.#byId.get(convId))));
  }

  async commit({ conversations }: CommitBatch): Promise<readonly CommitOutcome[]> {
    return this.#op('commit', () => {
      let rows = 0;
      const outcomes = conversations.map((commit) => {
        const outcome = this.#commit(commit);
        if (outcome.t === 'committed')
          rows += commit.entries.length + commit.projections.length + commit.members.length + 1;
        return outcome;
      });
      this.rows.push(rows);
      return outcomes;
    });
  }

  async range(convNo: ConvNo, from: Seq, to: Seq, limit: number, backward: boolean) {
    return this.#op('range', () => {
      const found = this.#byNo.get(convNo)?.entries.slice(Math.max(0, from - 1), to) ?? [];
      return backward ? found.slice(-limit) : found.slice(0, limit);
    });
  }

  async findClientKeys(convNo: ConvNo, keys: readonly ClientKey[]): Promise<readonly Duplicate[]> {
    return this.#op('findClientKeys', () => {
      const known = this.#byNo.get(convNo)?.keys;
      return keys.flatMap((key) => known?.get(key) ?? []);
    });
  }

  async locate(msgId: MsgId): Promise<EntryPlace | undefined> {
    return this.#op('locate', () => {
      for (const { convId, entries } of this.#byNo.values()) {
        const entry = entries.find((one) => one.msgId === msgId);
        if (entry !== undefined) return { convId, seq: entry.seq };
      }
      return undefined;
    });
  }

  async memberships(
    userId: UserId,
    after: ConvId | undefined,
    limit: number,
  ): Promise<readonly Membership[]> {
    return this.#op('memberships', () =>
      [...this.#byId.values()]
        .filter(({ convId, members }) => members.has(userId) && (after === undefined || convId > after))
        .sort((one, other) => (one.convId < other.convId ? -1 : 1))
        .slice(0, limit)
        .map((conversation) => membership(conversation, userId)),
    );
  }

  async cursors(convNo: ConvNo, users: readonly UserId[] | undefined): Promise<readonly CursorRow[]> {
    return this.#op('cursors', () =>
      [...(this.#byNo.get(convNo)?.cursors.values() ?? [])].filter(
        ({ userId }) => users === undefined || users.includes(userId),
      ),
    );
  }

  async raiseCursors(rows: readonly CursorRow[]): Promise<void> {
    return this.#op('raiseCursors', () => {
      for (const row of rows) {
        const cursors = this.#byNo.get(row.convNo)?.cursors;
        const old = cursors?.get(row.userId);
        const read = old !== undefined && old.readSeq > row.readSeq ? old : row;
        const deliveredSeq = Math.max(row.deliveredSeq, old?.deliveredSeq ?? 0);
        cursors?.set(row.userId, { ...row, deliveredSeq, readSeq: read.readSeq, readOrd: read.readOrd });
      }
    });
  }

  async readEpoch(): Promise<string> {
    return this.epoch;
  }

  adoptEpoch(epoch: string): void {
    this.epoch = epoch;
  }

  async renewEpoch(from: string): Promise<string> {
    return `${from}'`;
  }

  async leaseWorker() {
    return { worker: 0, reservedUntilMs: Number.MAX_SAFE_INTEGER };
  }

  async check() {
    return { conversations: this.#byId.size, entries: 0, problems: [] };
  }

  async close(): Promise<void> {}

  /** The whole log, as it stands. */
  log(convId: ConvId): readonly StoredEntry[] {
    return this.#byId.get(convId)?.entries ?? [];
  }

  memberRow(convId: ConvId, userId: UserId): MemberRow | undefined {
    return this.#byId.get(convId)?.members.get(userId);
  }

  async #op<T>(name: string, act: () => T): Promise<T> {
    await this.turn(name, 'before');
    const result = act();
    await this.turn(name, 'after');
    return result;
  }

  #commit(commit: ConversationCommit): CommitOutcome {
    const { convId, convNo, entries, create } = commit;
    const existing = this.#byId.get(convId);
    const [first] = entries;
    if (first === undefined) throw new StoreError('rejected', 'nothing to write');
    const fresh = create === undefined ? existing?.entries.length === first.seq - 1 : existing === undefined;
    const duplicates = entries.flatMap(({ clientKey }) =>
      clientKey === undefined ? [] : (existing?.keys.get(clientKey) ?? []),
    );
    if (fresh && duplicates.length === 0) {
      this.#write(commit, existing ?? this.#create(commit));
      return { t: 'committed' };
    }
    const there = entries.every(({ seq, msgId }) => existing?.entries[seq - 1]?.msgId === msgId);
    if (existing?.convNo === convNo && there) return { t: 'committed' };
    return fresh ? { t: 'duplicate', duplicates } : { t: 'fenced', duplicates };
  }

  #create({ convNo, convId, create }: ConversationCommit): Conversation {
    const conversation: Conversation = {
      convNo,
      convId,
      kind: create ?? 'group',
      entries: [],
      keys: new Map(),
      members: new Map(),
      cursors: new Map(),
      group: undefined,
      projectedSeq: 0,
    };
    this.#byId.set(convId, conversation);
    this.#byNo.set(convNo, conversation);
    return conversation;
  }

  #write({ entries, projections, members, group }: ConversationCommit, into: Conversation): void {
    for (const entry of entries) {
      if (entry.seq !== into.entries.length + 1)
        throw new StoreError('rejected', `a gap before ${entry.seq}`);
      into.entries.push(toStored(entry));
      if (entry.clientKey === undefined) continue;
      const { clientKey, seq, msgId, kind, createdAtMs } = entry;
      if (into.keys.has(clientKey)) throw new StoreError('rejected', 'a client key twice in a batch');
      into.keys.set(clientKey, { clientKey, seq, msgId, kind, createdAtMs });
    }
    for (const { seq, msgId, revision, recalled, content } of projections) {
      const old = into.entries[seq - 1];
      if (old?.msgId !== msgId || old.revision >= revision)
        throw new StoreError('rejected', `a projection of ${seq} that does not fit`);
      into.entries[seq - 1] = { ...old, revision, recalled, content };
      into.projectedSeq = into.entries.length;
    }
    for (const member of members) into.members.set(member.userId, member);
    if (group !== undefined) into.group = group;
  }

  #snapshot(conversation: Conversation | undefined): ConversationSnapshot | undefined {
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

function headOf({ entries }: Conversation): Head {
  const last = entries.at(-1);
  return { seq: last?.seq ?? 0, ord: last?.ord ?? 0, msgId: last?.msgId ?? 0n };
}

function membership(conversation: Conversation, userId: UserId): Membership {
  const { convNo, convId, kind, group, members, cursors } = conversation;
  const others = [...members.keys()].filter((member) => member !== userId);
  const peer = kind === 'direct' ? (others[0] ?? userId) : undefined;
  return {
    convNo,
    convId,
    kind,
    member: members.get(userId) as MemberRow,
    head: headOf(conversation),
    peer,
    cursor: cursors.get(userId),
    peerCursor: peer === undefined ? undefined : cursors.get(peer),
    group,
  };
}

/** Content of a message with this text, as stored. */
export function textContent(clientId: string, text: string): ByteString {
  const encoded = Buffer.from(text);
  return messageContent(clientId, Uint8Array.from([0x12, encoded.length, ...encoded]));
}
