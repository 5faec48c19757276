import type { Clock } from '../core/clock.ts';
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
 * For a conversation that another node may have owned until now: notes from which entry on the edges are told of it, so
 * that what its former owner committed last is forwarded by somebody. Sessions that have it already get it once more.
 */
export async function lookBack(store: MessageStore, clock: Clock, conversation: Conversation): Promise<void> {
  const { convNo, head, recent } = conversation;
  const sinceMs = clock.wallMs() - unsureMs;
  if (convNo === undefined || idTimeMs(head.msgId) < sinceMs) return;
  const first = Math.max(1, head.seq - unsureEntries + 1);
  const entries = await store.range(convNo, first, head.seq, unsureEntries, false);
  // Somebody was faster, and has it from there.
  if (conversation.head !== head) return;
  for (const entry of entries) recent.push(entry);
  const young = entries.find(({ createdAtMs }) => createdAtMs >= sinceMs);
  const nowMs = clock.monotonicMs();
  conversation.unsure = { fromSeq: young?.seq ?? head.seq, sinceMs: nowMs, untilMs: nowMs + unsureMs };
}
