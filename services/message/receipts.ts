import type { Seq } from '../core/ids.ts';
import type { Conversation } from './conversation.ts';

/** How many groups' counts are taken in one turn, at most. */
const atOnce = 1_000;

/** Counts how far the members of groups are: at most once a second a group, for its newest message. */
export class Receipts {
  readonly #moved = new Set<Conversation>();

  moved(conversation: Conversation): void {
    this.#moved.add(conversation);
  }

  forget(conversation: Conversation): void {
    this.#moved.delete(conversation);
  }

  /** To be called every second: tells the edges of each group whose cursors have moved. */
  publish(): void {
    let taken = 0;
    for (const conversation of this.#moved) {
      this.#moved.delete(conversation);
      tell(conversation);
      taken += 1;
      if (taken >= atOnce) return;
    }
  }
}

function tell(conversation: Conversation): void {
  const { convId, head } = conversation;
  const { delivered, read } = count(conversation, head.seq);
  for (const audience of conversation.audiences) {
    if (!audience.announced) continue;
    audience.edge.send({ t: 'receipts', audience: audience.no, convId, seq: head.seq, delivered, read });
  }
}

function count(conversation: Conversation, seq: Seq): { readonly delivered: number; readonly read: number } {
  let delivered = 0;
  let read = 0;
  for (const [userId, cursor] of conversation.cursors) {
    if (cursor.deliveredSeq < seq || conversation.present(userId) === undefined) continue;
    delivered += 1;
    if (cursor.readSeq >= seq) read += 1;
  }
  return { delivered, read };
}
