import fc from 'fast-check';
import { byteString } from '../../../core/byte-string.ts';
import type { ConvId, UserId } from '../../../core/ids.ts';
import type {
  ClientKey,
  CommitBatch,
  CommitOutcome,
  ConversationCommit,
  CursorRow,
  Duplicate,
  EntryKind,
  GroupRow,
  MemberRow,
  NewEntry,
  Projection,
} from '../../../ports/message-store.ts';

/** Random rows, for tests. */

/** Objects like ours: with the usual prototype. */
export function record<T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(fields, { noNullPrototype: true }) as fc.Arbitrary<T>;
}

export const u53 = fc.oneof(fc.nat(300), fc.maxSafeNat());
export const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
export const u32 = fc.oneof(fc.nat(300), fc.integer({ min: 0, max: 2 ** 32 - 1 }));
/** Any text without lone surrogates: ASCII mostly. */
export const text = fc.oneof(fc.string({ maxLength: 64 }), fc.string({ unit: 'grapheme', maxLength: 64 }));
export const userId = text.map((name) => name as UserId);
export const convId = text.map((name) => name as ConvId);
export const bytes = fc.uint8Array({ maxLength: 300 });
export const content = bytes.map(byteString);
export const clientKey = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => Buffer.from(bytes).toString('latin1') as ClientKey);
export const entryKind = fc.constantFrom<EntryKind>(
  'message',
  'recall',
  'groupCreated',
  'groupRenamed',
  'membersAdded',
  'memberRemoved',
  'roleChanged',
);

export const member: fc.Arbitrary<MemberRow> = record({
  userId,
  role: fc.constantFrom('member', 'admin', 'owner'),
  joinedSeq: u53,
  joinedOrd: u53,
  leftSeq: u53,
  leftOrd: u53,
  rev: u64,
});

export const group: fc.Arbitrary<GroupRow> = record({
  name: text,
  owner: text,
  maxMembers: u32,
  history: fc.constantFrom('sinceJoin', 'all'),
  memberCount: u32,
  version: u53,
});

export const cursor: fc.Arbitrary<CursorRow> = record({
  convNo: u64,
  userId,
  deliveredSeq: u53,
  readSeq: u53,
  readOrd: u53,
});

export const newEntry: fc.Arbitrary<NewEntry> = record({
  seq: u53,
  msgId: u64,
  kind: entryKind,
  ord: u53,
  sender: text,
  createdAtMs: u53,
  clientKey: fc.option(clientKey, { nil: undefined }),
  content,
});

const projection: fc.Arbitrary<Projection> = record({
  seq: u53,
  msgId: u64,
  revision: u32,
  recalled: fc.boolean(),
  content,
});

const conversationCommit: fc.Arbitrary<ConversationCommit> = record({
  convNo: u64,
  convId,
  create: fc.constantFrom(undefined, 'direct', 'group'),
  entries: fc.array(newEntry, { maxLength: 4 }),
  projections: fc.array(projection, { maxLength: 2 }),
  members: fc.array(member, { maxLength: 3 }),
  group: fc.option(group, { nil: undefined }),
});

export const commitBatch: fc.Arbitrary<CommitBatch> = record({
  epoch: text,
  batchId: u64,
  conversations: fc.array(conversationCommit, { maxLength: 6 }),
});

export const duplicate: fc.Arbitrary<Duplicate> = record({
  clientKey,
  seq: u53,
  msgId: u64,
  kind: entryKind,
  createdAtMs: u53,
});

export const outcome: fc.Arbitrary<CommitOutcome> = fc.oneof(
  fc.constant<CommitOutcome>({ t: 'committed' }),
  record({
    t: fc.constantFrom<'fenced' | 'duplicate'>('fenced', 'duplicate'),
    duplicates: fc.array(duplicate, { maxLength: 3 }),
  }),
);
