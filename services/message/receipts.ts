import type { Seq } from '../core/ids.ts';
import type { Conversation } from './conversation.ts';
import type { CursorBook } from './cursor-book.ts';

/** How many groups' counts are taken in one turn, at most. */
const atOnce = 1_000;

/** Counts how far the members of groups are: at most once a second a group, for its newest message. */
export class Receipts {
  readonly #moved = new Set<Conversation>();
  readonly #cursors: CursorBook;

  constructor(cursors: CursorBook) {
    this.#cursors = cursors;
  }

  moved(conversation: Conversation): void {
    this.#moved.add(conversation);
  }

  forget(conversation: Conversation): void {
    this.#moved.delete(conversation);
  }

  clear(): void {
    this.#moved.clear();
  }

  /** To be called every second: tells the edges of each group whose cursors have moved. */
  publish(): void {
    let taken = 0;
    for (const conversation of this.#moved) {
      this.#moved.delete(conversation);
      if (conversation.cursorsLoaded) tell(conversation);
      else this.#tellOnceLoaded(conversation);
      taken += 1;
      if (taken >= atOnce) return;
    }
  }

  /** What the store can't tell now is told when somebody's cursor moves again. */
  #tellOnceLoaded(conversation: Conversation): void {
    this.#cursors.load(conversation).then(
      () => {
        if (!conversation.void) this.moved(conversation);
      },
      () => {},
    );
  }
}

function tell(conversation: Conversation): void {
  const { convId } = conversation;
  const seq = newestMessage(conversation);
  const { delivered, read } = count(conversation, seq);
  for (const audience of conversation.audiences) {
    if (!audience.announced) continue;
    audience.edge.send({ t: 'receipts', audience: audience.no, convId, seq, delivered, read });
  }
}

/** Where none is among the newest entries held, the head stands for it. */
function newestMessage({ head, recent }: Conversation): Seq {
  for (let seq = recent.lastSeq; seq >= recent.firstSeq && seq > 0; seq -= 1) {
    if (recent.get(seq)?.kind === 'message') return seq;
  }
  return head.seq;
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
