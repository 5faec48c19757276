import { Fault } from '../core/fault.ts';
import type { Seq, UserId } from '../core/ids.ts';
import type { Result } from '../peer/edge-frames.ts';
import type { Conversation } from './conversation.ts';
import type { CursorBook, CursorPair } from './cursor-book.ts';
import { type History, readable } from './history.ts';
import type { PresenceBook } from './presence-book.ts';
import type { Receipts } from './receipts.ts';
import { peerOf } from './views.ts';

interface Parts {
  readonly history: History;
  readonly cursors: CursorBook;
  readonly receipts: Receipts;
  readonly presence: PresenceBook;
}

/** Moves the cursors of users, and tells those who hear of it. */
export class CursorDesk {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** As the user asked; what is beyond the log's end is refused. */
  async move(
    conversation: Conversation,
    userId: UserId,
    { t, seq }: { readonly t: 'read' | 'ack'; readonly seq: Seq },
  ): Promise<Result> {
    const { history, cursors } = this.#parts;
    const range = readable(conversation, userId);
    if (seq > range.last)
      throw new Fault('beyondHead', { message: `the log ends at ${range.last}`, field: `${t}.seq` });
    if (t === 'ack') this.delivered(conversation, userId, seq);
    else {
      const readOrd = await history.ordAt(conversation, seq);
      await cursors.load(conversation);
      if (cursors.raise(conversation, userId, { readSeq: seq, readOrd }))
        this.#tell(conversation, userId, true);
    }
    return { t: 'read', readSeq: conversation.cursors.get(userId)?.readSeq ?? 0 };
  }

  /** A device has everything up to seq. What is beyond the log's end is cut off. */
  delivered(conversation: Conversation, userId: UserId, seq: Seq): void {
    const last = conversation.visibleRange(userId)?.last ?? 0;
    const deliveredSeq = Math.min(seq, last);
    if (deliveredSeq === 0) return;
    if (this.#parts.cursors.raise(conversation, userId, { deliveredSeq }))
      this.#tell(conversation, userId, false);
  }

  /** What a device knows of its user's cursors, beside what is held of them. What is beyond the log's end is cut off. */
  async remembered(
    conversation: Conversation,
    userId: UserId,
    device: { readonly deliveredSeq: Seq; readonly readSeq: Seq },
    held: Readonly<CursorPair>,
  ): Promise<void> {
    const { history, cursors } = this.#parts;
    const last = conversation.visibleRange(userId)?.last ?? 0;
    const deliveredSeq = Math.min(device.deliveredSeq, last);
    const readSeq = Math.min(device.readSeq, last);
    const read = readSeq > held.readSeq;
    if (!read && deliveredSeq <= held.deliveredSeq) return;
    const step = read
      ? { deliveredSeq, readSeq, readOrd: await history.ordAt(conversation, readSeq) }
      : { deliveredSeq, readSeq: held.readSeq, readOrd: held.readOrd };
    // Counting reads all cursors of a group: not where nobody hears of it, as at a node that only answers a sync.
    if (cursors.raise(conversation, userId, step))
      this.#tell(conversation, userId, read, conversation.audiences.length > 0);
  }

  /** Direct peers hear at once, groups in counts, and own other devices of what was read. */
  #tell(conversation: Conversation, userId: UserId, read: boolean, isCounted = true): void {
    const { cursors, receipts } = this.#parts;
    if (conversation.kind === 'group' && isCounted) receipts.moved(conversation);
    if (conversation.kind === 'group' && !read) return;
    if (conversation.cursorsLoaded) this.#send(conversation, userId, read);
    else {
      // Told later, or, where the store can't be read, with the next step.
      cursors.load(conversation).then(
        () => this.#send(conversation, userId, read),
        () => {},
      );
    }
  }

  #send(conversation: Conversation, userId: UserId, read: boolean): void {
    const { presence } = this.#parts;
    const { convId } = conversation;
    // While the store was read, it may have turned out to be restored: what was counted before is nobody's any more.
    if (conversation.void) return;
    const cursor = conversation.cursors.get(userId);
    if (cursor === undefined) return;
    const to: UserId[] = read ? [userId] : [];
    if (conversation.kind === 'direct') {
      const peer = peerOf(conversation, userId);
      if (peer !== undefined && peer !== userId) to.push(peer);
    }
    const { deliveredSeq, readSeq } = cursor;
    for (const edge of new Set(to.flatMap((user) => [...presence.edgesOf(user)]))) {
      edge.send({ t: 'cursor', convId, userId, deliveredSeq, readSeq, to });
    }
  }
}
