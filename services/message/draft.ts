import type { ByteString } from '../core/byte-string.ts';
import type { ConvNo, MsgId, Seq, UserId } from '../core/ids.ts';
import type {
  ClientKey,
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
  #projections: Map<Seq, Projection> | undefined;
  #members: Map<UserId, MemberRow> | undefined;
  create: ConversationKind | undefined;
  group: GroupRow | undefined;
  #groupChanged = false;
  #convNo: ConvNo | undefined;
  #seq: Seq;
  #ord: number;
  #changes = 0;

  constructor(base: Conversation, draws: Draws) {
    this.base = base;
    this.#draws = draws;
    this.#seq = base.head.seq;
    this.#ord = base.head.ord;
    this.#convNo = base.convNo;
    this.group = base.group;
  }

  /** Member rows that it changes. */
  get members(): ReadonlyMap<UserId, MemberRow> {
    return this.#members ?? noRows;
  }

  get exists(): boolean {
    return this.base.exists || this.create !== undefined;
  }

  get kind(): ConversationKind | undefined {
    return this.base.kind ?? this.create;
  }

  /** Counts what was drafted: a command that fails half-way has changed it. */
  get changes(): number {
    return this.#changes;
  }

  get groupChanged(): boolean {
    return this.#groupChanged;
  }

  get nextSeq(): Seq {
    return this.#seq + 1;
  }

  get ord(): number {
    return this.#ord;
  }

  member(userId: UserId): MemberRow | undefined {
    return this.#members?.get(userId) ?? this.base.members.get(userId);
  }

  present(userId: UserId): MemberRow | undefined {
    const row = this.member(userId);
    return row === undefined || row.leftSeq > 0 ? undefined : row;
  }

  begin(kind: ConversationKind): void {
    this.#convNo = this.#draws.nextId();
    this.create = kind;
    this.#changes += 1;
  }

  setGroup(group: GroupRow): void {
    this.group = group;
    this.#groupChanged = true;
    this.#changes += 1;
  }

  /** A member who joins with the entry about to be appended. */
  join(userId: UserId, role: MemberRow['role']): void {
    const [joinedSeq, joinedOrd] = [this.nextSeq, this.#ord];
    this.#setMember({
      userId,
      role,
      joinedSeq,
      joinedOrd,
      leftSeq: 0,
      leftOrd: 0,
      rev: this.#draws.nextId(),
    });
  }

  /** A member who is out with the entry about to be appended. */
  part(row: MemberRow): void {
    const [leftSeq, leftOrd] = [this.nextSeq, this.#ord];
    this.#setMember({ ...row, leftSeq, leftOrd, rev: this.#draws.nextId() });
  }

  setRole(row: MemberRow, role: MemberRow['role']): void {
    this.#setMember({ ...row, role, rev: this.#draws.nextId() });
  }

  #setMember(row: MemberRow): void {
    this.#members ??= new Map();
    this.#members.set(row.userId, row);
    this.#changes += 1;
  }

  /** What an earlier entry is changed to. */
  project(projection: Projection): void {
    this.#projections ??= new Map();
    this.#projections.set(projection.seq, projection);
  }

  append(kind: EntryKind, sender: string, content: ByteString, clientKey: ClientKey | undefined): NewEntry {
    // Drawn first: where no id is to be had, no number may be used up.
    const msgId = this.#draws.nextId();
    const createdAtMs = this.#draws.nowMs();
    this.#seq += 1;
    if (kind === 'message') this.#ord += 1;
    this.#changes += 1;
    const entry = { seq: this.#seq, msgId, kind, ord: this.#ord, sender, createdAtMs, clientKey, content };
    this.entries.push(entry);
    return entry;
  }

  /** An entry of this batch or, from `earlier`, one before it; as it is after the projections of this batch. */
  changed(earlier: StoredEntry): StoredEntry {
    const projection = this.#projections?.get(earlier.seq);
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
      projections: this.#projections === undefined ? [] : [...this.#projections.values()],
      members: this.#members === undefined ? [] : [...this.#members.values()],
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
      // Nobody has a cursor in what has only now been made.
      base.cursorsLoaded = true;
    }
    base.head = { seq: last.seq, ord: last.ord, msgId: last.msgId };
    const projecting = this.entries.findLast(({ kind }) => kind === 'recall');
    if (projecting !== undefined) base.projectedSeq = projecting.seq;
    base.group = this.group;
    if (this.#members !== undefined) for (const row of this.#members.values()) base.setMember(row);
    const stored: StoredEntry[] = [];
    for (const entry of this.entries) {
      const asStored = this.changed(toStored(entry));
      base.recent.push(asStored);
      stored.push(asStored);
    }
    if (this.#projections !== undefined)
      for (const { seq } of this.#projections.values()) {
        const held = base.recent.get(seq);
        if (held !== undefined) base.recent.replace(this.changed(held));
      }
    return stored;
  }
}

const noRows: ReadonlyMap<UserId, MemberRow> = new Map();

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
