import {
  type CommitBatch,
  type ConversationCommit,
  type GroupRow,
  type MemberRow,
  StoreError,
} from '../../ports/message-store.ts';
import { assertBig, assertInt, assertText } from './sql.ts';

/**
 * Throws a StoreError `rejected` for numbers and texts that would come out as others: the codec that takes a batch to
 * the other thread trusts its caller.
 */
export function assertKeepable({ batchId, conversations }: CommitBatch): void {
  assertBig(batchId);
  for (const conversation of conversations) assertConversation(conversation);
}

function assertConversation({
  convNo,
  convId,
  entries,
  projections,
  members,
  group,
}: ConversationCommit): void {
  assertBig(convNo);
  assertText(convId);
  for (const { seq, msgId, ord, sender, createdAtMs } of entries) {
    assertInt(seq);
    assertBig(msgId);
    assertInt(ord);
    assertText(sender);
    assertInt(createdAtMs);
  }
  for (const { seq, msgId, revision } of projections) {
    assertInt(seq);
    assertBig(msgId);
    assertU32(revision);
  }
  members.forEach(assertMember);
  if (group !== undefined) assertGroup(group);
}

function assertMember({ userId, joinedSeq, joinedOrd, leftSeq, leftOrd, rev }: MemberRow): void {
  assertText(userId);
  for (const number of [joinedSeq, joinedOrd, leftSeq, leftOrd]) assertInt(number);
  assertBig(rev);
}

function assertGroup({ name, owner, maxMembers, memberCount, version }: GroupRow): void {
  assertText(name);
  assertText(owner);
  assertU32(maxMembers);
  assertU32(memberCount);
  assertInt(version);
}

function assertU32(value: number): void {
  assertInt(value);
  if (value > 0xffff_ffff) throw new StoreError('rejected', `${value} is more than the store can keep`);
}
