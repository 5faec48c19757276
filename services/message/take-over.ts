import type { Clock } from '../core/clock.ts';
import type { Seq } from '../core/ids.ts';
import { idTimeMs } from '../core/snowflake.ts';
import type { MessageStore } from '../ports/message-store.ts';
import type { Conversation } from './conversation.ts';

/** What is younger than this may not have reached everybody: its owner may have died, or lost a link, before. */
export const unsureMs = 10_000;
/**
 * Whoever signs in so long after them is told of them by its sync, whichever node answers that: what a node knows of a
 * conversation is from the store's last second.
 */
export const settledMs = 2_000;
/** Entries looked back for, at most; an owner that wrote more in that time has forwarded the earlier ones. */
const unsureEntries = 200;

/**
 * Entries from `firstSeq` to the head were found, which another node wrote. From where on they are told to the edges: what
 * is old, or lies before so many later ones, they have from whoever wrote it.
 */
export function toldFrom(clock: Clock, { head }: Conversation, firstSeq: Seq): Seq {
  if (idTimeMs(head.msgId) < clock.wallMs() - unsureMs) return head.seq + 1;
  return Math.max(firstSeq, head.seq - unsureEntries + 1);
}

/**
 * The same for entries behind those that this node knew, where it does not own the conversation: it may soon, and does not
 * look back then, for it has read it already.
 */
export function noteUnsure(clock: Clock, conversation: Conversation, firstSeq: Seq): void {
  const { head, unsure } = conversation;
  if (firstSeq > head.seq) return;
  const nowMs = clock.monotonicMs();
  const known = unsure !== undefined && unsure.untilMs > nowMs ? unsure.fromSeq : firstSeq;
  // Who reads it again and again does not look back ever further.
  const fromSeq = Math.max(Math.min(firstSeq, known), head.seq - unsureEntries + 1);
  conversation.unsure = { fromSeq, sinceMs: nowMs, untilMs: nowMs + unsureMs };
}

/**
 * For a conversation that another node may have owned until now: notes from which entry on the edges are told of it, so
 * that what its former owner committed last is forwarded by somebody. Sessions that have it already get it once more.
 */
export async function lookBack(store: MessageStore, clock: Clock, conversation: Conversation): Promise<void> {
  const { convNo, head, recent } = conversation;
  const first = toldFrom(clock, conversation, 1);
  if (convNo === undefined || first > head.seq) return;
  const sinceMs = clock.wallMs() - unsureMs;
  const entries = await store.range(convNo, first, head.seq, unsureEntries, false);
  // Somebody was faster, and has it from there.
  if (conversation.head !== head) return;
  for (const entry of entries) recent.push(entry);
  const young = entries.find(({ createdAtMs }) => createdAtMs >= sinceMs);
  const nowMs = clock.monotonicMs();
  conversation.unsure = { fromSeq: young?.seq ?? head.seq, sinceMs: nowMs, untilMs: nowMs + unsureMs };
}
