import type { ConvId, UserId } from '../core/ids.ts';
import type { ConversationView, KnownConversation, LogEntry } from '../peer/edge-frames.ts';
import type {
  CursorRow,
  GroupRow,
  Head,
  Membership,
  MemberRow,
  MessageStore,
} from '../ports/message-store.ts';
import type { Conversation } from './conversation.ts';
import type { CursorBook } from './cursor-book.ts';
import type { History } from './history.ts';
import type { HotConversations } from './hot-conversations.ts';

interface Parts {
  readonly store: MessageStore;
  readonly hot: HotConversations;
  readonly cursors: CursorBook;
  readonly history: History;
}

const pageSize = 200;

export interface SyncPage {
  readonly conversations: readonly ConversationView[];
  readonly removed: readonly ConvId[];
  readonly done: boolean;
}

/** Conversations as one user sees them: what the store has, overlaid by what is hot here. */
export class Views {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** A page of the user's list, without entries. */
  async list(userId: UserId, after: ConvId | undefined, limit: number) {
    const rows = await this.#parts.store.memberships(userId, after, limit);
    const conversations = rows.map((row) => this.#view(userId, row));
    return { conversations, next: rows.length < limit ? undefined : rows.at(-1)?.convId };
  }

  /** One conversation; undefined for those who never were members. */
  async one(userId: UserId, conversation: Conversation): Promise<ConversationView | undefined> {
    const member = conversation.members.get(userId);
    const { convNo, convId, kind, head, group } = conversation;
    if (convNo === undefined || kind === undefined || member === undefined) return undefined;
    const peer = kind === 'direct' ? peerOf(conversation, userId) : undefined;
    const rows = await this.#parts.store.cursors(convNo, peer === undefined ? [userId] : [userId, peer]);
    const cursor = rows.find((row) => row.userId === userId);
    const peerCursor = rows.find((row) => row.userId === peer);
    return this.#view(userId, { convNo, convId, kind, member, head, peer, cursor, peerCursor, group });
  }

  /** What differs from what a device knows, in pages. */
  async *changes(
    userId: UserId,
    known: readonly KnownConversation[],
    newest: number,
  ): AsyncGenerator<SyncPage, void, void> {
    const unseen = new Map(known.map((one) => [one.convId, one]));
    let after: ConvId | undefined;
    for (;;) {
      const rows = await this.#parts.store.memberships(userId, after, pageSize);
      const conversations: ConversationView[] = [];
      for (const row of rows) {
        const device = unseen.get(row.convId);
        unseen.delete(row.convId);
        if (device !== undefined) await this.#takeCursors(userId, row, device);
        const view = this.#view(userId, row);
        if (device !== undefined && !differs(view, device)) continue;
        conversations.push(await this.#withEntries(row, view, device, newest));
      }
      after = rows.at(-1)?.convId;
      const done = rows.length < pageSize;
      yield { conversations, removed: done ? [...unseen.keys()] : [], done };
      if (done) return;
    }
  }

  #view(userId: UserId, row: Membership): ConversationView {
    const { hot, cursors } = this.#parts;
    const held = hot.get(row.convId);
    const head: Head = held?.exists === true && held.head.seq > row.head.seq ? held.head : row.head;
    const member: MemberRow = held?.members.get(userId) ?? row.member;
    const group: GroupRow | undefined = held?.group ?? row.group;
    const own = cursors.merged(held, userId, row.cursor);
    const peers = row.peer === undefined ? nowhere : cursors.merged(held, row.peer, row.peerCursor);
    const left = member.leftSeq > 0;
    const lastOrd = left ? member.leftOrd : head.ord;
    return {
      convId: row.convId,
      kind: row.kind,
      peer: row.peer,
      name: group?.name ?? '',
      role: member.role,
      memberCount: group?.memberCount ?? 0,
      headSeq: left ? member.leftSeq : head.seq,
      headMsgId: left ? 0n : head.msgId,
      joinedSeq: member.joinedSeq,
      leftSeq: member.leftSeq,
      unread: Math.max(0, lastOrd - Math.max(own.readOrd, member.joinedOrd)),
      readSeq: own.readSeq,
      deliveredSeq: own.deliveredSeq,
      peerReadSeq: peers.readSeq,
      peerDeliveredSeq: peers.deliveredSeq,
      rev: member.rev,
      entries: [],
      gapFromSeq: 0,
      startOver: false,
    };
  }

  /** The device may remember more of its own cursors than a crash left here. */
  async #takeCursors(userId: UserId, row: Membership, device: KnownConversation): Promise<void> {
    const { hot, cursors, history } = this.#parts;
    const held = cursors.merged(hot.get(row.convId), userId, row.cursor);
    if (device.readSeq <= held.readSeq && device.deliveredSeq <= held.deliveredSeq) return;
    await hot.with(row.convId, async (conversation) => {
      const last = conversation.visibleRange(userId)?.last ?? 0;
      const readSeq = Math.min(device.readSeq, last);
      const readOrd = readSeq > held.readSeq ? await history.ordAt(conversation, readSeq) : held.readOrd;
      cursors.raise(conversation, userId, {
        deliveredSeq: Math.min(device.deliveredSeq, last),
        readSeq: Math.max(readSeq, held.readSeq),
        readOrd,
      });
    });
  }

  /** Adds the newest entries that the device lacks, and the gap before them. */
  async #withEntries(
    row: Membership,
    view: ConversationView,
    device: KnownConversation | undefined,
    newest: number,
  ): Promise<ConversationView> {
    const { hot, history } = this.#parts;
    return hot.with(row.convId, async (conversation) => {
      const startOver = device !== undefined && !(await this.#knows(conversation, device));
      const first = conversation.group?.history === 'all' ? 1 : view.joinedSeq;
      const lacking = Math.max(device === undefined || startOver ? 0 : device.headSeq + 1, first);
      const from = Math.max(lacking, view.headSeq - newest + 1);
      const entries: readonly LogEntry[] =
        from <= view.headSeq && newest > 0 ? await history.entries(conversation, from, view.headSeq) : [];
      return { ...view, startOver, entries, gapFromSeq: lacking < from ? lacking : 0 };
    });
  }

  /** Whether the head that the device names is an entry of this log. */
  async #knows(conversation: Conversation, { headSeq, headMsgId }: KnownConversation): Promise<boolean> {
    if (headSeq > conversation.head.seq) return false;
    if (headSeq === 0 || headMsgId === 0n) return true;
    const [entry] = await this.#parts.history.entries(conversation, headSeq, headSeq);
    return entry?.msgId === headMsgId;
  }
}

function differs(view: ConversationView, device: KnownConversation): boolean {
  return (
    view.headSeq !== device.headSeq ||
    (device.headMsgId !== 0n && view.headMsgId !== 0n && device.headMsgId !== view.headMsgId) ||
    view.rev !== device.rev ||
    view.readSeq > device.readSeq ||
    view.deliveredSeq > device.deliveredSeq ||
    view.peerReadSeq > device.peerReadSeq ||
    view.peerDeliveredSeq > device.peerDeliveredSeq
  );
}

export function peerOf(conversation: Conversation, userId: UserId): UserId | undefined {
  for (const member of conversation.members.keys()) if (member !== userId) return member;
  // Notes to oneself.
  return userId;
}

const nowhere: Pick<CursorRow, 'deliveredSeq' | 'readSeq' | 'readOrd'> = {
  deliveredSeq: 0,
  readSeq: 0,
  readOrd: 0,
};
