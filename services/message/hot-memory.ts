import { leastRecent } from '../core/least-recent.ts';
import type { Conversation } from './conversation.ts';

/** Which of the conversations that a node holds take more memory than there is for them. */

type Held = ReadonlyMap<unknown, Conversation>;

/** Members and cursors of a conversation that is bounded by the number of conversations alone. */
const fewRows = 16;

/**
 * Conversations to let go of, so that the members and cursors of large ones are no more than this. The many small ones
 * would win little. What is in use counts, and is not let go of: a tenth is there for the others whatever that takes, so
 * that they are not read anew all the time.
 */
export function tooLarge(held: Held, maxMemberRows: number): readonly Conversation[] {
  const idle: Conversation[] = [];
  let [inUse, rows] = [0, 0];
  for (const conversation of held.values()) {
    const own = rowsOf(conversation);
    if (own <= fewRows) continue;
    if (conversation.pins > 0) inUse += own;
    else {
      rows += own;
      idle.push(conversation);
    }
  }
  const room = Math.max(maxMemberRows / 10, maxMemberRows - inUse);
  if (rows <= room) return [];
  const wanted = 0.9 * room;
  const going: Conversation[] = [];
  for (const conversation of leastRecent(idle, Math.ceil(idle.length * (1 - wanted / rows)))) {
    going.push(conversation);
    rows -= rowsOf(conversation);
    if (rows <= wanted) break;
  }
  return going;
}

/** Drops newest entries, all but the last, of those not used for the longest time, until all take no more than this. */
export function trimRecent(held: Held, maxBytes: number): void {
  let bytes = 0;
  for (const { recent } of held.values()) bytes += recent.bytes;
  const wanted = maxBytes * 0.9;
  while (bytes > maxBytes) {
    const trimmable = [...held.values()].filter(({ recent }) => recent.size > 1);
    if (trimmable.length === 0) return;
    const share = (bytes - wanted) / bytes;
    for (const { recent } of leastRecent(trimmable, Math.ceil(trimmable.length * share))) {
      bytes -= recent.bytes;
      recent.trim(1);
      bytes += recent.bytes;
      if (bytes <= wanted) return;
    }
  }
}

function rowsOf({ members, cursors }: Conversation): number {
  return members.size + cursors.size;
}
