import type { ConvNo, MsgId, Seq, UserId } from '../core/ids.ts';
import type {
  ConversationCommit,
  ConversationKind,
  EntryKind,
  GroupRow,
  MemberRow,
  NewEntry,
  Projection,
  StoredEntry,
} from '../ports/message-store.ts';
import type { Conversation } from './conversation.ts';

/** What numbers and times a draft draws from. */
export interface Draws {
  nextId(): MsgId;
  nowMs(): number;
}

/**
 * The working copy of one conversation in one batch. It becomes current when the batch is committed and is thrown away
 * when it isn't, so that a failed batch leaves no trace.
 */
export class Draft {
  readonly base: Conversation;
  readonly #draws: Draws;
  readonly entries: NewEntry[] = [];
  readonly projections = new Map<Seq, Projection>();
  readonly members = new Map<UserId, MemberRow>();
  create: ConversationKind | undefined;
  group: GroupRow | undefined;
  #groupChanged = false;
  #convNo: ConvNo | undefined;
  #seq: Seq;
  #ord: number;

  constructor(base: Conversation, draws: Draws) {
    this.base = base;
    this.#draws = draws;
    this.#seq = base.head.seq;
    this.#ord = base.head.ord;
    this.#convNo = base.convNo;
    this.group = base.group;
  }

  get exists(): boolean {
    return this.base.exists || this.create !== undefined;
  }

  get kind(): ConversationKind | undefined {
    return this.base.kind ?? this.create;
  }

  get nextSeq(): Seq {
    return this.#seq + 1;
  }

  get ord(): number {
    return this.#ord;
  }

  member(userId: UserId): MemberRow | undefined {
    return this.members.get(userId) ?? this.base.members.get(userId);
  }

  present(userId: UserId): MemberRow | undefined {
    const row = this.member(userId);
    return row === undefined || row.leftSeq > 0 ? undefined : row;
  }

  begin(kind: ConversationKind): void {
    this.create = kind;
    this.#convNo = this.#draws.nextId();
  }

  setGroup(group: GroupRow): void {
    this.group = group;
    this.#groupChanged = true;
  }

  /** A member who joins with the entry about to be appended. */
  join(userId: UserId, role: MemberRow['role']): void {
    this.members.set(userId, {
      userId,
      role,
      joinedSeq: this.nextSeq,
      joinedOrd: this.#ord,
      leftSeq: 0,
      leftOrd: 0,
      rev: this.#draws.nextId(),
    });
  }

  /** A member who is out with the entry about to be appended. */
  part(row: MemberRow): void {
    this.members.set(row.userId, {
      ...row,
      leftSeq: this.nextSeq,
      leftOrd: this.#ord,
      rev: this.#draws.nextId(),
    });
  }

  setRole(row: MemberRow, role: MemberRow['role']): void {
    this.members.set(row.userId, { ...row, role, rev: this.#draws.nextId() });
  }

  append(kind: EntryKind, sender: string, content: Uint8Array, clientKey: Uint8Array | undefined): NewEntry {
    this.#seq += 1;
    if (kind === 'message') this.#ord += 1;
    const entry: NewEntry = {
      seq: this.#seq,
      msgId: this.#draws.nextId(),
      kind,
      ord: this.#ord,
      sender,
      createdAtMs: this.#draws.nowMs(),
      clientKey,
      content,
    };
    this.entries.push(entry);
    return entry;
  }

  /** An entry of this batch or, from `earlier`, one before it; as it is after the projections of this batch. */
  changed(earlier: StoredEntry): StoredEntry {
    const projection = this.projections.get(earlier.seq);
    if (projection === undefined) return earlier;
    return {
      ...earlier,
      revision: projection.revision,
      recalled: projection.recalled,
      content: projection.content,
    };
  }

  toCommit(): ConversationCommit {
    if (this.#convNo === undefined) throw new Error('a draft with entries has a conversation number');
    return {
      convNo: this.#convNo,
      convId: this.base.convId,
      create: this.create,
      entries: this.entries,
      projections: [...this.projections.values()],
      members: [...this.members.values()],
      group: this.#groupChanged ? this.group : undefined,
    };
  }

  /** The commit succeeded: what was drafted is how things are. */
  apply(): readonly StoredEntry[] {
    const base = this.base;
    const last = this.entries.at(-1);
    if (last === undefined) return [];
    if (this.create !== undefined) {
      base.kind = this.create;
      base.convNo = this.#convNo;
    }
    base.head = { seq: last.seq, ord: last.ord, msgId: last.msgId };
    if (this.projections.size > 0) base.projectedSeq = last.seq;
    base.group = this.group;
    for (const row of this.members.values()) base.members.set(row.userId, row);
    const stored: StoredEntry[] = [];
    for (const entry of this.entries) {
      const asStored = this.changed(toStored(entry));
      base.recent.push(asStored);
      stored.push(asStored);
    }
    for (const projection of this.projections.values()) {
      const held = base.recent.get(projection.seq);
      if (held !== undefined) base.recent.replace(this.changed(held));
    }
    return stored;
  }
}

export function toStored(entry: NewEntry): StoredEntry {
  return {
    seq: entry.seq,
    msgId: entry.msgId,
    kind: entry.kind,
    ord: entry.ord,
    sender: entry.sender,
    createdAtMs: entry.createdAtMs,
    recalled: false,
    revision: 0,
    content: entry.content,
  };
}
