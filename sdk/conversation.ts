import { create } from '@bufbuild/protobuf';
import { type ConversationState, ConversationStateSchema } from '../gen/parley/chat/v1/conversation_pb.ts';
import { ConversationKind, Role } from '../gen/parley/chat/v1/entry_pb.ts';
import { type KnownConversation, KnownConversationSchema } from '../gen/parley/chat/v1/session_pb.ts';
import { LogTail } from './conversation-log.ts';
import { entryOf, type HeldItem, isMessage, itemOf } from './item.ts';
import { ReadMark } from './read-mark.ts';
import type { ConversationSummary, LogItem } from './types.ts';

/**
 * A conversation as this device knows it: what the server said of it last, brought up to date by every entry since.
 * Pure: nothing in here waits, asks or tells.
 */
export class Conversation {
  readonly convId: string;
  readonly log: LogTail;
  /** The other user of a direct conversation; empty for groups. */
  peer: string;
  left = false;
  /** Whether the server ever told of it; otherwise it is only about to begin, or known by a live entry alone. */
  told = false;
  /** Number of listeners of the log: while there are any, what was loaded is kept. */
  watchers = 0;
  loadingOlder = false;
  /** Still as an earlier run has left it; until the log reaches as far as the server says. */
  stored = false;
  /** Last time of anything worth a place in the list. */
  activeAtMs = 0;
  readonly #self: string;
  readonly #read = new ReadMark();
  #kind: ConversationKind = ConversationKind.UNSPECIFIED;
  #name = '';
  #role: Role = Role.UNSPECIFIED;
  #memberCount = 0;
  #joinedSeq = 0;
  #leftSeq = 0;
  #rev = 0n;
  #peerReadSeq = 0;
  #peerDeliveredSeq = 0;
  /** The fields above are as of this seq; later entries change them. */
  #stateSeq = 0;
  /** The server said that the user is no longer in it: not named in sync any more. */
  #removed = false;
  #summary: ConversationSummary | undefined;

  constructor(options: { convId: string; self: string; peer?: string }) {
    this.convId = options.convId;
    this.#self = options.self;
    this.peer = options.peer ?? '';
    if (this.peer !== '') this.#kind = ConversationKind.DIRECT;
    this.log = new LogTail({ self: options.self });
  }

  /** Whether there is more to show than an id. A group that is known by a live entry alone gets its name by sync. */
  get presentable(): boolean {
    return this.told || this.peer !== '' || this.#name !== '';
  }

  /** Takes what the server says of the conversation, its newest entries included. A gap wider than `bridge` is not filled: the log begins anew behind it. */
  apply(state: ConversationState, bridge: number): void {
    if (state.startOver) this.void();
    const headSeq = Number(state.headSeq);
    const entries = state.entries.map(itemOf);
    const gap = (entries[0]?.seq ?? headSeq + 1) - 1 - this.log.lastSeq;
    if (this.log.length > 0 && gap > bridge) this.log.restart();
    const grown = this.log.merge(entries);
    this.log.noteHead(headSeq);
    this.#takeState(state, headSeq);
    for (const item of grown) this.#read.pass(item);
    this.#read.counted(headSeq, Number(state.unread), this.log, this.#joinedSeq !== Number(state.joinedSeq));
    this.#joinedSeq = Number(state.joinedSeq);
    this.#read.advance(Number(state.readSeq), this.log);
    // What came live while the server wrote this.
    for (const item of this.log.items) if (item.seq > headSeq) this.#follow(item);
    this.#touched();
  }

  /** Takes entries: live ones or a page. Answers with those the log grew by at its end. */
  merge(items: readonly HeldItem[]): readonly HeldItem[] {
    const grown = this.log.merge(items);
    for (const item of grown) {
      this.#read.pass(item);
      if (item.seq > this.#stateSeq) this.#follow(item);
    }
    this.#read.resolve(this.log);
    this.#touched();
    return grown;
  }

  /** The server no longer counts the user in. */
  removed(): void {
    this.#removed = true;
    this.left = true;
    this.touch();
  }

  /** All that is known is void: it is one to show again once the server tells of it. */
  void(): void {
    this.told = false;
    this.#name = '';
    this.log.void();
    this.#read.void();
    this.#stateSeq = 0;
    this.#peerReadSeq = 0;
    this.#peerDeliveredSeq = 0;
    this.#rev = 0n;
    this.touch();
  }

  /** The user has read up to seq. Answers with the seq that the server should hear of, 0 for none. */
  markRead(seq: number): number {
    const target = Math.min(seq, this.log.lastSeq);
    if (target <= this.#read.seq) return 0;
    this.#read.advance(target, this.log);
    this.touch();
    return target;
  }

  /** Another device of the user has read up to seq. False when its place is not at hand: `learn` it. */
  readElsewhere(seq: number): boolean {
    const known = this.#read.advance(seq, this.log);
    this.touch();
    return known;
  }

  /** The entry at a seq that was read, fetched for its place among the messages. */
  learn(item: HeldItem): void {
    this.#read.pass(item);
    this.touch();
  }

  /** The peer of a direct conversation has come this far. */
  peerAt(deliveredSeq: number, readSeq: number): void {
    this.#peerDeliveredSeq = Math.max(this.#peerDeliveredSeq, deliveredSeq, readSeq);
    this.#peerReadSeq = Math.max(this.#peerReadSeq, readSeq);
    this.log.raise(this.#peerDeliveredSeq, this.#peerReadSeq);
    this.touch();
  }

  /** So many members, the sender included, have the message at seq. It counts when all of them have. */
  receipts(seq: number, delivered: number, read: number): void {
    if (this.#memberCount === 0) return;
    const all = (count: number): number => (count >= this.#memberCount ? seq : 0);
    this.peerAt(all(delivered), all(read));
  }

  /** Bounds the log: while somebody looks at it, `held` items, otherwise the newest `tail`. */
  trim(limits: { readonly tail: number; readonly held: number }): void {
    const max = this.watchers > 0 ? limits.held : limits.tail;
    // Not at every entry: dropping from the front of an array costs its length.
    if (this.log.length > max * 1.2 + 16) this.log.trim(max);
  }

  /** Something that the summary shows has changed. */
  touch(): void {
    this.#summary = undefined;
  }

  summary(typists: () => readonly string[]): ConversationSummary {
    this.#summary ??= {
      convId: this.convId,
      kind: this.#kind,
      peer: this.peer,
      title: this.#title(),
      role: this.#role,
      memberCount: this.#memberCount,
      headSeq: Math.max(this.log.headSeq, this.log.lastSeq),
      unread: this.#read.unread(),
      readSeq: this.#read.seq,
      last: this.#lastShown(),
      typing: typists(),
      left: this.left,
    };
    return this.#summary;
  }

  /** What sync names; undefined where the server is to send all that it has. */
  known(): KnownConversation | undefined {
    if (!this.told || this.#removed) return undefined;
    const { last } = this.log;
    return create(KnownConversationSchema, {
      convId: this.convId,
      headSeq: BigInt(this.log.lastSeq),
      headMsgId: last === undefined || last.content.t === 'hidden' ? 0n : BigInt(last.msgId),
      rev: this.#rev,
      readSeq: BigInt(Math.min(this.#read.seq, this.log.lastSeq)),
      deliveredSeq: BigInt(this.log.lastSeq),
      peerReadSeq: BigInt(this.#peerReadSeq),
      peerDeliveredSeq: BigInt(this.#peerDeliveredSeq),
    });
  }

  /** As the server would say it, with the newest entries: what a device keeps through a reload. */
  toState(maxEntries: number): ConversationState {
    const { items, lastSeq } = this.log;
    return create(ConversationStateSchema, {
      convId: this.convId,
      kind: this.#kind,
      peer: this.peer,
      name: this.#name,
      role: this.#role,
      memberCount: this.#memberCount,
      headSeq: BigInt(lastSeq),
      joinedSeq: BigInt(this.#joinedSeq),
      leftSeq: BigInt(this.left ? Math.max(1, this.#leftSeq) : 0),
      unread: BigInt(this.#read.unread()),
      readSeq: BigInt(Math.min(this.#read.seq, lastSeq)),
      deliveredSeq: BigInt(lastSeq),
      peerReadSeq: BigInt(this.#peerReadSeq),
      peerDeliveredSeq: BigInt(this.#peerDeliveredSeq),
      rev: this.#rev,
      entries: items.slice(-maxEntries).map((item) => entryOf(this.convId, item)),
    });
  }

  #takeState(state: ConversationState, headSeq: number): void {
    this.told = true;
    this.#removed = false;
    this.#kind = state.kind;
    if (state.peer !== '') this.peer = state.peer;
    this.#role = state.role;
    this.#leftSeq = Number(state.leftSeq);
    this.left = this.#leftSeq > 0;
    if (this.left && state.name === '') {
      // Those who left are not told what became of the group: its name stays as they knew it, or as the entries say.
      for (const { content } of this.log.items)
        if (content.t === 'groupCreated' || content.t === 'groupRenamed') this.#name = content.name;
    } else {
      this.#name = state.name;
      this.#memberCount = state.memberCount;
    }
    this.#rev = state.rev;
    this.#stateSeq = headSeq;
    this.peerAt(Number(state.peerDeliveredSeq), Number(state.peerReadSeq));
  }

  /** Brings up to date what an entry changes besides the log. */
  #follow(item: HeldItem): void {
    const { content, sender, seq } = item;
    const mine = sender === this.#self;
    switch (content.t) {
      case 'message':
        // Whoever sends has read.
        if (mine) this.#read.advance(seq, this.log);
        else if (this.#kind === ConversationKind.DIRECT) this.peerAt(seq, seq);
        return;
      case 'groupCreated':
        this.#kind = ConversationKind.GROUP;
        this.#name = content.name;
        this.#memberCount = content.members.length;
        this.#role = mine ? Role.OWNER : Role.MEMBER;
        return;
      case 'groupRenamed':
        this.#name = content.name;
        return;
      case 'membersAdded':
        this.#memberCount += content.users.length;
        if (!content.users.includes(this.#self)) return;
        this.left = false;
        this.#role = Role.MEMBER;
        return;
      case 'memberRemoved':
        this.#memberCount = Math.max(0, this.#memberCount - 1);
        if (content.user !== this.#self) return;
        this.left = true;
        this.#leftSeq = seq;
        return;
      case 'roleChanged':
        if (content.user === this.#self) this.#role = content.role;
        else if (mine && content.role === Role.OWNER) this.#role = Role.ADMIN;
        return;
      case 'recalled':
      case 'recall':
      case 'hidden':
        return;
    }
  }

  #touched(): void {
    const { last } = this.log;
    if (last !== undefined) this.activeAtMs = Math.max(this.activeAtMs, last.createdAtMs);
    this.touch();
  }

  #title(): string {
    if (this.#name !== '') return this.#name;
    return this.peer !== '' ? this.peer : this.convId;
  }

  /** The newest message, or else the newest item; not far back, for the list is made often. */
  #lastShown(): LogItem | undefined {
    const { items } = this.log;
    for (let at = items.length - 1; at >= 0 && at >= items.length - 50; at--) {
      const item = items[at] as HeldItem;
      if (isMessage(item)) return item;
    }
    return this.log.last;
  }
}

/** Whether an entry is the user's own joining: the server then knows more of the conversation than the entry says. */
export function joins(item: LogItem, self: string): boolean {
  return item.content.t === 'membersAdded' && item.content.users.includes(self);
}
