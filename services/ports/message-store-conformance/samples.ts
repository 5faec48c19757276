import { type ByteString, byteString } from '../../core/byte-string.ts';
import { hash } from 'node:crypto';
import type { ConvId, ConvNo, Seq, UserId } from '../../core/ids.ts';
import {
  type ClientKey,
  type CommitBatch,
  type ConversationCommit,
  type GroupRow,
  type MemberRow,
  type MessageStore,
  type NewEntry,
  StoreError,
  type StoreErrorKind,
  type StoredEntry,
} from '../message-store.ts';

/** What the tests write. Everything that isn't said is filled in, so that a test shows only what it is about. */

let lastNumber = 1n << 40n;

/** Like the id library: never the same twice. */
export function newNumber(): bigint {
  lastNumber += 4096n;
  return lastNumber;
}

export function user(name: string): UserId {
  return name as UserId;
}

export const ada = user('ada');
export const bob = user('bob');

export function bytes(text: string): ByteString {
  return byteString(Buffer.from(text));
}

/** 16 bytes that are the same for the same name. */
export function clientKey(name: string): ClientKey {
  return hash('sha256', name, 'binary').slice(0, 16) as ClientKey;
}

export interface SampleConversation {
  readonly convNo: ConvNo;
  readonly convId: ConvId;
}

export function conversation(convId: string): SampleConversation {
  return { convNo: newNumber(), convId: convId as ConvId };
}

/** A message, unless it says otherwise; then say `ord`, too. */
export function entry(seq: Seq, fields: Partial<NewEntry> = {}): NewEntry {
  return {
    seq,
    msgId: newNumber(),
    kind: 'message',
    ord: seq,
    sender: 'ada',
    createdAtMs: 1_767_225_600_000 + seq,
    clientKey: undefined,
    content: bytes(`content ${seq}`),
    ...fields,
  };
}

/** How an entry reads that was written just so. */
export function stored(written: NewEntry, changed: Partial<StoredEntry> = {}): StoredEntry {
  const { seq, msgId, kind, ord, sender, createdAtMs, content } = written;
  return { seq, msgId, kind, ord, sender, createdAtMs, recalled: false, revision: 0, content, ...changed };
}

export function member(userId: UserId, fields: Partial<MemberRow> = {}): MemberRow {
  return {
    userId,
    role: 'member',
    joinedSeq: 1,
    joinedOrd: 0,
    leftSeq: 0,
    leftOrd: 0,
    rev: newNumber(),
    ...fields,
  };
}

export function group(fields: Partial<GroupRow> = {}): GroupRow {
  return {
    name: 'Garden',
    owner: 'ada',
    maxMembers: 500,
    history: 'sinceJoin',
    memberCount: 1,
    version: 1,
    ...fields,
  };
}

/** Entries appended to a conversation that is there. */
export function append(
  to: SampleConversation,
  entries: readonly NewEntry[],
  fields: Partial<ConversationCommit> = {},
): ConversationCommit {
  return { ...to, create: undefined, entries, projections: [], members: [], group: undefined, ...fields };
}

/** A direct conversation of ada and bob, made by its first entries. */
export function createDirect(
  to: SampleConversation,
  entries: readonly NewEntry[] = [entry(1)],
  users: readonly UserId[] = [ada, bob],
): ConversationCommit {
  return append(to, entries, { create: 'direct', members: users.map((one) => member(one)) });
}

/** A group with ada in it, made by its first entry. */
export function createGroup(
  to: SampleConversation,
  fields: Partial<ConversationCommit> = {},
): ConversationCommit {
  return append(to, [entry(1, { kind: 'groupCreated', ord: 0 })], {
    create: 'group',
    members: [member(ada, { role: 'owner' })],
    group: group(),
    ...fields,
  });
}

export function batch(store: MessageStore, ...conversations: readonly ConversationCommit[]): CommitBatch {
  return { epoch: store.epoch, batchId: newNumber(), conversations };
}

export async function commit(
  store: MessageStore,
  ...conversations: readonly ConversationCommit[]
): Promise<readonly string[]> {
  return (await store.commit(batch(store, ...conversations))).map((outcome) => outcome.t);
}

/** For assert.rejects. */
export function failsWith(kind: StoreErrorKind): (error: unknown) => boolean {
  return (error) => error instanceof StoreError && error.kind === kind;
}

export async function log(store: MessageStore, of: SampleConversation): Promise<readonly StoredEntry[]> {
  return store.range(of.convNo, 1, Number.MAX_SAFE_INTEGER, 1_000, false);
}
