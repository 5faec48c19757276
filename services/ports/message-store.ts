import type { ByteString } from '../core/byte-string.ts';
import type { ConvId, ConvNo, MsgId, Seq, UserId } from '../core/ids.ts';

export type ConversationKind = 'direct' | 'group';
export type Role = 'member' | 'admin' | 'owner';
export type HistoryVisibility = 'sinceJoin' | 'all';

/** What an entry is, as far as the store and the rules need to know. */
export type EntryKind =
  | 'message'
  | 'recall'
  | 'groupCreated'
  | 'groupRenamed'
  | 'membersAdded'
  | 'memberRemoved'
  | 'roleChanged';

/** An entry as the store gives it back, opened. */
export interface StoredEntry {
  readonly seq: Seq;
  readonly msgId: MsgId;
  readonly kind: EntryKind;
  /** How many entries up to and including this one are messages. */
  readonly ord: number;
  readonly sender: string;
  readonly createdAtMs: number;
  readonly recalled: boolean;
  readonly revision: number;
  /** The fields client_id and content of `parley.chat.v1.Entry`, encoded (fields ≥ 10). */
  readonly content: ByteString;
}

/**
 * By what a conversation knows a command again: a keyed hash of sender and client id, of 16 bytes. Each is a character
 * below U+0100 here (latin1), since keys are looked up, and small byte arrays cost more to make than the hash itself.
 */
export type ClientKey = string & { readonly [clientKeyBrand]: true };
declare const clientKeyBrand: unique symbol;

/** An entry to write. */
export interface NewEntry {
  readonly seq: Seq;
  readonly msgId: MsgId;
  readonly kind: EntryKind;
  readonly ord: number;
  readonly sender: string;
  readonly createdAtMs: number;
  /** Unique in the conversation. Undefined for entries no client asked for. */
  readonly clientKey: ClientKey | undefined;
  readonly content: ByteString;
}

/** A change of an earlier entry, written in the commit of the entry that causes it. */
export interface Projection {
  readonly seq: Seq;
  readonly msgId: MsgId;
  /** Higher than before. */
  readonly revision: number;
  readonly recalled: boolean;
  readonly content: ByteString;
}

/** A user's place in a conversation. Rows of former members stay. */
export interface MemberRow {
  readonly userId: UserId;
  readonly role: Role;
  /** The first seq that is the user's, and the ord before it. */
  readonly joinedSeq: Seq;
  readonly joinedOrd: number;
  /** The last seq that is the user's, and the ord at it; 0 while a member. */
  readonly leftSeq: Seq;
  readonly leftOrd: number;
  /** Change number from the id library, never reused. */
  readonly rev: bigint;
}

export interface GroupRow {
  readonly name: string;
  readonly owner: string;
  readonly maxMembers: number;
  readonly history: HistoryVisibility;
  /** Members now; the owner of the conversation counts them. */
  readonly memberCount: number;
  /** Grows by one with each change of the group or its members. */
  readonly version: number;
}

/** Where a log ends. */
export interface Head {
  readonly seq: Seq;
  readonly ord: number;
  /** msg_id at seq; 0n for an empty log. */
  readonly msgId: MsgId;
}

/** Head and rules of one conversation, read in one snapshot. */
export interface ConversationSnapshot {
  readonly convNo: ConvNo;
  readonly convId: ConvId;
  readonly kind: ConversationKind;
  readonly head: Head;
  /** Last seq that changed an earlier entry; 0 when none did. */
  readonly projectedSeq: Seq;
  readonly group: GroupRow | undefined;
  /** All member rows, former members included. */
  readonly members: readonly MemberRow[];
}

/** What one batch does to one conversation. */
export interface ConversationCommit {
  readonly convNo: ConvNo;
  readonly convId: ConvId;
  /** Set when this commit makes the conversation; its first entry then has seq 1. */
  readonly create: ConversationKind | undefined;
  /** Consecutive seqs. */
  readonly entries: readonly NewEntry[];
  readonly projections: readonly Projection[];
  /** Rows as they are after the batch. */
  readonly members: readonly MemberRow[];
  readonly group: GroupRow | undefined;
}

/** A part of what a commit takes: making what is written, sealed contents among it, or writing it. In ms since 1970. */
export interface CommitStep {
  readonly name: 'seal' | 'write';
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

export interface CommitBatch {
  /** The epoch under which the caller read what it builds on. */
  readonly epoch: string;
  readonly batchId: bigint;
  readonly conversations: readonly ConversationCommit[];
  /** Told of the parts of the commit while it is made, by stores that can; absent where nobody traces it. */
  readonly onStep?: ((step: CommitStep) => void) | undefined;
}

/** A client key that the conversation already has. */
export interface Duplicate {
  readonly clientKey: ClientKey;
  readonly seq: Seq;
  readonly msgId: MsgId;
  readonly kind: EntryKind;
  readonly createdAtMs: number;
}

/**
 * What became of one conversation of a batch. `fenced`: another writer took the seq, or the conversation (by id)
 * exists already; nothing of this conversation was written. `duplicate`: client keys were there already; nothing of
 * this conversation was written. Both can hold at once: then `fenced` carries the duplicates, too.
 */
export type CommitOutcome =
  | { readonly t: 'committed' }
  | { readonly t: 'fenced'; readonly duplicates: readonly Duplicate[] }
  | { readonly t: 'duplicate'; readonly duplicates: readonly Duplicate[] };

export interface CursorRow {
  readonly convNo: ConvNo;
  readonly userId: UserId;
  readonly deliveredSeq: Seq;
  readonly readSeq: Seq;
  /** ord at readSeq. */
  readonly readOrd: number;
}

/** A conversation in a user's list. */
export interface Membership {
  readonly convNo: ConvNo;
  readonly convId: ConvId;
  readonly kind: ConversationKind;
  readonly member: MemberRow;
  readonly head: Head;
  /** The other user of a direct conversation. */
  readonly peer: UserId | undefined;
  readonly cursor: CursorRow | undefined;
  /** The other user's cursor in a direct conversation. */
  readonly peerCursor: CursorRow | undefined;
  readonly group: GroupRow | undefined;
}

/** Where an entry stands. */
export interface EntryPlace {
  readonly convId: ConvId;
  readonly seq: Seq;
}

/** A worker number of the id library, held until a time. */
export interface WorkerLease {
  /** 0–1023. */
  readonly worker: number;
  /** No id may carry a time at or after this. Renew well before. */
  readonly reservedUntilMs: number;
}

export interface StoreReport {
  readonly conversations: number;
  readonly entries: number;
  /** Each one line, in words; empty when all is well. At most 100 are kept. */
  readonly problems: readonly string[];
}

/**
 * Why a store operation failed. `unavailable`: nothing was written, later may work. `full`: the same, for want of
 * space. `unknown`: a commit may or may not have happened; write the identical batch again to find out (a row that is
 * there with the same msg_id counts as committed). `epoch`: the store was restored; start over. `rejected`: this batch
 * can't be written, another may.
 */
export type StoreErrorKind = 'unavailable' | 'full' | 'unknown' | 'epoch' | 'rejected';

export class StoreError extends Error {
  readonly kind: StoreErrorKind;
  constructor(kind: StoreErrorKind, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'StoreError';
    this.kind = kind;
  }
}

/** Of a conversation, what every change to it changes: where all of this is as it was, so is the rest. */
export type HeadSnapshot = Pick<ConversationSnapshot, 'convId' | 'head' | 'projectedSeq'>;

/**
 * Where conversations are kept. Every method may reject with a StoreError. Contents are sealed inside: no caller sees
 * or hands over a sealed body, and nothing is written in clear.
 */
export interface MessageStore {
  /** Random; changes with restore and import. What is committed and raised belongs to it, or is refused. */
  readonly epoch: string;
  /** 32 random bytes drawn when the store was made, kept through restore and import: the key of client keys. */
  readonly clientKeySecret: Uint8Array;

  /** Head, rules and members of each conversation, one snapshot each, in the order asked; undefined where there is none. At most 1,000. */
  load(convIds: readonly ConvId[]): Promise<readonly (ConversationSnapshot | undefined)[]>;

  /** Where each conversation's log ends, in the order asked; undefined where there is none. At most 1,000. */
  heads(convIds: readonly ConvId[]): Promise<readonly (HeadSnapshot | undefined)[]>;

  /**
   * Writes a batch durably (fsync before it resolves): each conversation whole or not at all, in the order given; the
   * outcomes stand in the same order. Committing an identical batch again answers `committed`.
   */
  commit(batch: CommitBatch): Promise<readonly CommitOutcome[]>;

  /**
   * Entries with from ≤ seq ≤ to, ascending; the first `limit` (1–1,000), or the last ones with `backward`. `asOf`, the
   * conversation's projected_seq as the caller knew it before, allows entries from a cache, which are at least as new as
   * that change of an earlier entry; without it they are as new as the call.
   */
  range(
    convNo: ConvNo,
    from: Seq,
    to: Seq,
    limit: number,
    backward: boolean,
    asOf?: Seq,
  ): Promise<readonly StoredEntry[]>;

  /** Which of the client keys the conversation has. At most 1,000. */
  findClientKeys(convNo: ConvNo, keys: readonly ClientKey[]): Promise<readonly Duplicate[]>;

  /** Where the entry with this id stands. */
  locate(msgId: MsgId): Promise<EntryPlace | undefined>;

  /** The user's conversations, former ones included, in bytewise order of conv_id after `after`, at most `limit` (1–1,000). */
  memberships(userId: UserId, after: ConvId | undefined, limit: number): Promise<readonly Membership[]>;

  /** Cursors of a conversation: of the users named, or of all of them. */
  cursors(convNo: ConvNo, users: readonly UserId[] | undefined): Promise<readonly CursorRow[]>;

  /** Raises cursors; a row that is further than the given one keeps its values. Not necessarily durable at once. */
  raiseCursors(rows: readonly CursorRow[]): Promise<void>;

  /**
   * Takes or renews a worker number for `holder` until `untilMs`. A number that somebody else held is given out again
   * only when `nowMs` is past its reserved time.
   */
  leaseWorker(holder: string, nowMs: number, untilMs: number): Promise<WorkerLease>;

  /** The epoch as the store has it now: another one than `epoch` once it was restored or filled under our hands. */
  readEpoch(): Promise<string>;

  /** From now on everything is of this epoch; what was kept of the one before is forgotten. */
  adoptEpoch(epoch: string): void;

  /**
   * Draws a new epoch where it still is `from`, and cuts cursors that lie beyond their logs' heads back. Resolves with the
   * epoch as it is then, durably; `epoch` stays as it is until that is adopted.
   */
  renewEpoch(from: string): Promise<string>;

  /** Walks everything: rows open, seqs gapless, ords right, indexes agree. */
  check(onProgress?: (entries: number) => void): Promise<StoreReport>;

  close(): Promise<void>;
}
