import type { ConvId, UserId } from '../core/ids.ts';
import type { ConversationView, KnownConversation, LogEntry } from '../peer/edge-frames.ts';
import type { CursorRow, GroupRow, Head, Membership, MessageStore } from '../ports/message-store.ts';
import type { Conversation } from './conversation.ts';
import type { CursorBook } from './cursor-book.ts';
import type { CursorDesk } from './cursor-desk.ts';
import { type History, withinBytes } from './history.ts';
import type { HotConversations } from './hot-conversations.ts';

interface Parts {
  readonly store: MessageStore;
  readonly hot: HotConversations;
  readonly cursors: CursorBook;
  readonly cursorDesk: Pick<CursorDesk, 'remembered'>;
  readonly history: History;
}

const pageSize = 200;
/** Of newest entries: in one conversation, and in one page of sync. */
const maxNewestBytes = 128 * 1024;
const maxPageBytes = 256 * 1024;

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
      let conversations: ConversationView[] = [];
      let bytes = 0;
      for (const row of rows) {
        const device = unseen.get(row.convId);
        unseen.delete(row.convId);
        const view = await this.#change(userId, row, device, newest);
        if (view === undefined) continue;
        conversations.push(view);
        bytes += weightOf(view);
        if (bytes < maxPageBytes) continue;
        yield { conversations, removed: [], done: false };
        conversations = [];
        bytes = 0;
      }
      after = rows.at(-1)?.convId;
      const done = rows.length < pageSize;
      if (done) yield { conversations, removed: [...unseen.keys()], done };
      else if (conversations.length > 0) yield { conversations, removed: [], done };
      if (done) return;
    }
  }

  /** The conversation as it is now, where that is not what the device knows. */
  async #change(
    userId: UserId,
    row: Membership,
    device: KnownConversation | undefined,
    newest: number,
  ): Promise<ConversationView | undefined> {
    if (device !== undefined) await this.#takeCursors(userId, row, device);
    const view = this.#view(userId, row);
    if (device !== undefined && !differs(view, device)) return undefined;
    return this.#withEntries(row, view, device, newest);
  }

  #view(userId: UserId, row: Membership): ConversationView {
    const { hot, cursors } = this.#parts;
    const held = hot.get(row.convId);
    // Either may be behind what another owner has written. Who is a member, and as what, goes with the head it was read
    // with: each change of it is an entry. Nothing else says which of two is newer, their numbers come from two clocks.
    const isHeldNewer = held?.exists === true && held.head.seq > row.head.seq;
    const head: Head = isHeldNewer ? held.head : row.head;
    const member = (isHeldNewer ? held.members.get(userId) : undefined) ?? row.member;
    const group: GroupRow | undefined = isHeldNewer ? held.group : row.group;
    const own = cursors.merged(held, userId, row.cursor);
    const peers = row.peer === undefined ? nowhere : cursors.merged(held, row.peer, row.peerCursor);
    const left = member.leftSeq > 0;
    const lastOrd = left ? member.leftOrd : head.ord;
    return {
      convId: row.convId,
      kind: row.kind,
      peer: row.peer,
      // What became of the group after somebody left is not for them, and nothing keeps what it was then.
      name: left ? '' : (group?.name ?? ''),
      role: member.role,
      memberCount: left ? 0 : (group?.memberCount ?? 0),
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

  /** The device may remember more of its own cursors than a crash left here, or than it came to tell before it was cut off. */
  async #takeCursors(userId: UserId, row: Membership, device: KnownConversation): Promise<void> {
    const { hot, cursors, cursorDesk } = this.#parts;
    const held = cursors.merged(hot.get(row.convId), userId, row.cursor);
    if (device.readSeq <= held.readSeq && device.deliveredSeq <= held.deliveredSeq) return;
    await hot.with(row.convId, (conversation) => cursorDesk.remembered(conversation, userId, device, held));
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
      const startOver = device !== undefined && !(await this.#knows(row, conversation, device));
      const first = conversation.group?.history === 'all' ? 1 : view.joinedSeq;
      const lacking = Math.max(device === undefined || startOver ? 0 : device.headSeq + 1, first);
      const from = Math.max(lacking, view.headSeq - newest + 1);
      const all: readonly LogEntry[] =
        from <= view.headSeq && newest > 0 ? await history.entries(conversation, from, view.headSeq) : [];
      const entries = withinBytes(all, maxNewestBytes, true);
      const begins = entries[0]?.seq ?? (conversation.exists ? from : view.headSeq + 1);
      return { ...view, startOver, entries, gapFromSeq: lacking < begins ? lacking : 0 };
    });
  }

  /** Whether the head that the device names is an entry of this log. */
  async #knows(
    { convNo }: Membership,
    conversation: Conversation,
    { headSeq, headMsgId }: KnownConversation,
  ): Promise<boolean> {
    const { store, history } = this.#parts;
    // Another owner may have made the conversation while this one still looked for it: then its head is 0 here.
    const { head } = conversation;
    if (headSeq === 0) return true;
    if (headSeq <= head.seq) {
      if (headMsgId === 0n) return true;
      const [held] = await history.entries(conversation, headSeq, headSeq);
      if (held?.msgId === headMsgId) return true;
    }
    // What is hot here may be out of date, and another owner may have written: the store knows.
    const [entry] = await store.range(convNo, headSeq, headSeq, 1, false);
    return entry !== undefined && (headMsgId === 0n || entry.msgId === headMsgId);
  }
}

function weightOf({ entries }: ConversationView): number {
  return entries.reduce((sum, { content }) => sum + content.length + 200, 400);
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
