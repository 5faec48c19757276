import type { Changes as WireChanges, Entries, Event } from '../gen/parley/chat/v1/session_pb.ts';
import { Acks } from './acks.ts';
import type { Changes } from './changes.ts';
import type { ClientClock } from './clock.ts';
import { type Conversation, joins } from './conversation.ts';
import { Conversations } from './conversations.ts';
import { Fetcher, type PageRequest } from './fetcher.ts';
import { type HeldItem, itemOf } from './item.ts';
import type { ClientLimits } from './limits.ts';
import type { Outgoing } from './outgoing.ts';
import type { Session } from './session.ts';
import { buildSync, Syncer } from './sync.ts';
import { ChatError } from './types.ts';
import { Typing } from './typing.ts';

/**
 * The conversations as this device has them, kept equal to the server's: by sync when a session opens, by live events
 * while it lasts, by pages where something is missing. What has arrived is acknowledged.
 */
export class Replica {
  readonly conversations: Conversations;
  readonly typing = new Typing();
  readonly #clock: ClientClock;
  readonly #limits: ClientLimits;
  readonly #session: Session;
  readonly #outgoing: Outgoing;
  readonly #changes: Changes;
  readonly #onLog: (convId: string) => void;
  readonly #acks = new Acks();
  readonly #syncer: Syncer;
  readonly #fetcher: Fetcher;
  readonly #loading = new Map<string, Promise<void>>();
  #self: string;
  #epoch = '';

  constructor(options: {
    self: string;
    clock: ClientClock;
    random: () => number;
    limits: ClientLimits;
    session: Session;
    outgoing: Outgoing;
    changes: Changes;
    /** A conversation's log changed, or what is shown beside it. */
    onLog: (convId: string) => void;
  }) {
    this.#self = options.self;
    this.#clock = options.clock;
    this.#limits = options.limits;
    this.#session = options.session;
    this.#outgoing = options.outgoing;
    this.#changes = options.changes;
    this.#onLog = options.onLog;
    this.conversations = new Conversations({
      self: options.self,
      typists: (convId) => this.typing.in(convId),
      watchers: (convId) => this.#changes.watchers(convId),
    });
    this.#syncer = new Syncer({
      ask: (command, handler) => this.#session.ask(command, handler),
      build: () => buildSync(this.#epoch, this.conversations.values()),
      onChanges: (changes) => this.#apply(changes),
      onDone: (complete) => this.#synced(complete),
      nowMs: () => this.#clock.monotonicMs(),
      random: options.random,
    });
    this.#fetcher = new Fetcher({
      clock: options.clock,
      random: options.random,
      list: (request) => this.#list(request),
      onPage: (conversation, entries) => this.#page(conversation, entries),
      onFilled: (conversation) => this.#caughtUp(conversation),
    });
  }

  get epoch(): string {
    return this.#epoch;
  }

  /** Everything known is another user's, or nobody's. */
  belongTo(self: string): void {
    this.#self = self;
    this.#epoch = '';
    this.conversations.clear(self);
  }

  /** The epoch that what is known belongs to. */
  knownAs(epoch: string): void {
    this.#epoch = epoch;
  }

  /** The store isn't the one that what is known came from. */
  beginEpoch(epoch: string): void {
    this.#epoch = epoch;
    this.conversations.void();
    for (const conversation of this.conversations.values()) this.#onLog(conversation.convId);
  }

  /** A stream was opened: what changed is asked for right behind hello. */
  opening(): void {
    this.#syncer.begin();
  }

  welcomed(limits: { ackIntervalMs: number; ackBytes: number; maxPageSize: number }): void {
    this.#acks.begin({ intervalMs: limits.ackIntervalMs, bytes: limits.ackBytes });
    if (limits.maxPageSize > 0) this.#fetcher.maxPage = limits.maxPageSize;
  }

  lost(): void {
    this.#syncer.lost();
    this.#fetcher.lost();
    for (const convId of this.typing.clear()) this.#repaint(convId);
  }

  /** A frame was handed out whole. */
  received(bytes: number): void {
    this.#acks.received(bytes, this.#clock.monotonicMs());
  }

  dueMs(): number {
    return Math.min(
      this.typing.dueMs(),
      this.#session.online ? Math.min(this.#acks.dueMs(), this.#syncer.dueMs()) : Number.POSITIVE_INFINITY,
    );
  }

  tick(nowMs: number): void {
    for (const convId of this.typing.tick(nowMs)) this.#repaint(convId);
    if (!this.#session.online) return;
    this.#syncer.tick(nowMs);
    for (const items of this.#acks.take(nowMs))
      this.#session.tell({
        case: 'ack',
        value: { items: items.map(({ convId, seq }) => ({ convId, seq: BigInt(seq) })) },
      });
  }

  /** A live event about a conversation. */
  event({ event }: Event): void {
    switch (event.case) {
      case 'entry':
        return this.#entry(event.value.convId, itemOf(event.value));
      case 'gap':
        return this.#gap(event.value.convId, Number(event.value.toSeq));
      case 'cursor': {
        const { convId, userId, deliveredSeq, readSeq } = event.value;
        return this.#cursor(convId, userId, Number(deliveredSeq), Number(readSeq));
      }
      case 'receipts': {
        const { convId, seq, delivered, read } = event.value;
        const conversation = this.conversations.get(convId);
        if (conversation === undefined) return;
        conversation.receipts(Number(seq), delivered, read);
        return this.#changed(conversation);
      }
      case 'typing': {
        const { convId, userId, active } = event.value;
        if (userId !== this.#self && this.typing.heard(convId, userId, active, this.#clock.monotonicMs()))
          this.#repaint(convId);
        return;
      }
      default:
        // Answers to commands that nobody waits for, and what a newer server says.
        return;
    }
  }

  /** The entry of an acknowledged send has not come by itself. */
  overdue(convId: string, seq: number): void {
    const lastSeq = this.conversations.get(convId)?.log.lastSeq ?? 0;
    if (lastSeq < seq) {
      this.announced(convId, seq);
      return;
    }
    // The log began anew behind it, or it stands there without its client id: recalled.
    this.#outgoing.covered(convId, lastSeq);
    this.#onLog(convId);
  }

  /** Entries up to seq exist. */
  announced(convId: string, seq: number): void {
    const conversation = this.conversations.get(convId);
    if (conversation === undefined) {
      this.#syncer.again();
      return;
    }
    conversation.log.noteHead(seq);
    this.#complete(conversation);
  }

  /** Fetches the page before the first item. One at a time: who asks meanwhile waits for the same. */
  loadOlder(convId: string): Promise<void> {
    const running = this.#loading.get(convId);
    if (running !== undefined) return running;
    const conversation = this.conversations.get(convId);
    if (conversation === undefined || !conversation.log.hasOlder) return Promise.resolve();
    const max = conversation.watchers > 0 ? this.#limits.heldItems : this.#limits.tailItems;
    if (conversation.log.length >= max)
      return Promise.reject(new ChatError('tooMuchLoaded', `${max} entries are loaded already`));
    const loading = this.#older(conversation).finally(() => {
      this.#loading.delete(convId);
      conversation.loadingOlder = false;
      this.#onLog(convId);
    });
    this.#loading.set(convId, loading);
    conversation.loadingOlder = true;
    this.#onLog(convId);
    return loading;
  }

  /** The user has read up to seq. Answers with the seq that the server should hear of, 0 for none. */
  markRead(convId: string, seq: number): number {
    const conversation = this.conversations.get(convId);
    const told = conversation?.markRead(seq) ?? 0;
    if (conversation !== undefined && told > 0) this.#changed(conversation);
    return told;
  }

  /** Somebody began or ceased to look at a log. */
  watched(convId: string): void {
    const conversation = this.conversations.get(convId);
    if (conversation === undefined) return;
    conversation.watchers = this.#changes.watchers(convId);
    this.#trim(conversation);
    this.#complete(conversation);
  }

  #entry(convId: string, item: HeldItem): void {
    let conversation = this.conversations.get(convId);
    if (conversation === undefined) {
      const peer = convId.startsWith('d_') && item.sender !== this.#self ? item.sender : '';
      conversation = this.conversations.ensure(convId, peer);
    }
    // An entry says nothing of names, roles and what came before.
    if (!conversation.told && !this.#syncer.running) this.#syncer.again();
    this.#grew(conversation, conversation.merge([item]));
    this.#complete(conversation);
  }

  #gap(convId: string, toSeq: number): void {
    const conversation = this.conversations.get(convId);
    if (conversation?.told !== true) {
      this.#syncer.again();
      return;
    }
    this.announced(convId, toSeq);
    // What is announced again is what the server believes not to have arrived.
    if (conversation.log.lastSeq > 0) this.#acknowledge(conversation);
  }

  #cursor(convId: string, userId: string, deliveredSeq: number, readSeq: number): void {
    const conversation = this.conversations.get(convId);
    if (conversation === undefined) return;
    if (userId === this.#self) {
      if (!conversation.readElsewhere(readSeq)) void this.#learn(conversation, readSeq);
    } else if (conversation.peer === userId) {
      // In a group one member's place says nothing of the others'.
      conversation.peerAt(deliveredSeq, readSeq);
    }
    this.#changed(conversation);
  }

  /** Fetches one entry for its place among the messages, so that what is unread can be counted. */
  async #learn(conversation: Conversation, seq: number): Promise<void> {
    try {
      const { convId } = conversation;
      const { event } = await this.#session.request({ case: 'get', value: { convId, seq: BigInt(seq) } });
      if (event.case !== 'entries') return;
      for (const entry of event.value.entries) conversation.learn(itemOf(entry));
      this.#changed(conversation);
    } catch {
      // The next sync counts.
    }
  }

  #apply(changes: WireChanges): void {
    if (!changes.done) this.#fetcher.hold();
    for (const state of changes.conversations) {
      const conversation = this.conversations.ensure(state.convId, state.peer);
      // What was acknowledged for the log that is void now may be in no log any more.
      if (state.startOver) this.#outgoing.void(state.convId);
      conversation.apply(state, this.#bridge(conversation));
      for (const entry of state.entries)
        if (entry.sender === this.#self && entry.clientId !== '') this.#outgoing.confirm(entry.clientId);
      this.#outgoing.covered(state.convId, conversation.log.lastSeq);
      if (conversation.log.lastSeq > Number(state.deliveredSeq)) this.#acknowledge(conversation);
      this.#trim(conversation);
      this.#changed(conversation);
    }
    for (const convId of changes.removed) {
      const conversation = this.conversations.get(convId);
      if (conversation === undefined) continue;
      conversation.removed();
      this.#changed(conversation);
    }
  }

  #synced(complete: boolean): void {
    this.#fetcher.release();
    for (const conversation of this.conversations.values()) {
      // Its first entry came while the server was writing the answer.
      if (!conversation.told && conversation.log.length > 0) this.#syncer.again(1_000);
      const want = conversation.log.wanted();
      if (want === undefined) {
        if (complete) this.#caughtUp(conversation);
        continue;
      }
      // Sync could have bridged it: the log begins anew with the newest page.
      if (want.t === 'range' && want.toSeq - want.fromSeq >= this.#bridge(conversation)) {
        conversation.log.restart();
        this.#onLog(conversation.convId);
      }
      this.#fetcher.want(conversation);
    }
  }

  /** All that the server has of it is here. */
  #caughtUp(conversation: Conversation): void {
    if (!conversation.stored) return;
    conversation.stored = false;
    this.#onLog(conversation.convId);
  }

  async #list({ convId, fromSeq, limit, backward }: PageRequest): Promise<Entries> {
    const list = { convId, fromSeq: BigInt(fromSeq), limit, backward };
    const { event } = await this.#session.request({ case: 'list', value: list });
    if (event.case !== 'entries') throw new ChatError('internal', 'the answer is no page', 'here', 1_000);
    return event.value;
  }

  #page(conversation: Conversation, entries: Entries): void {
    this.#grew(conversation, conversation.merge(entries.entries.map(itemOf)));
  }

  async #older(conversation: Conversation): Promise<void> {
    const { convId, log } = conversation;
    const { firstSeq } = log;
    const fromSeq = Math.max(0, firstSeq - 1);
    const page = await this.#list({ convId, fromSeq, limit: this.#limits.olderPage, backward: true });
    const grown = conversation.merge(page.entries.map(itemOf));
    // Unless the log was cut meanwhile: then the page is not joined to it.
    const isJoined = firstSeq === 0 || (log.firstSeq > 0 && log.firstSeq <= firstSeq);
    if (isJoined && (!page.more || page.entries.length === 0)) log.markStart();
    this.#grew(conversation, grown);
  }

  /** A log has grown, at its end by these. */
  #grew(conversation: Conversation, grown: readonly HeldItem[]): void {
    const { convId } = conversation;
    for (const item of grown) {
      if (item.clientId !== '' && item.sender === this.#self) this.#outgoing.confirm(item.clientId);
      if (this.typing.stopped(convId, item.sender)) conversation.touch();
      if (joins(item, this.#self)) this.#syncer.again();
    }
    if (grown.length > 0) this.#acknowledge(conversation);
    this.#outgoing.covered(convId, conversation.log.lastSeq);
    this.#trim(conversation);
    this.#changed(conversation);
  }

  /** Sees to it that what is missing comes. */
  #complete(conversation: Conversation): void {
    const want = conversation.log.wanted();
    // A running sync may bring it.
    if (want === undefined || this.#syncer.running) return;
    if (want.t === 'range' && want.toSeq - want.fromSeq >= this.#bridge(conversation)) this.#syncer.again();
    else this.#fetcher.want(conversation);
  }

  /** The widest gap that is worth filling. */
  #bridge(conversation: Conversation): number {
    return conversation.watchers > 0 ? this.#limits.heldItems : this.#limits.bridgeItems;
  }

  #trim(conversation: Conversation): void {
    conversation.trim({ tail: this.#limits.tailItems, held: this.#limits.heldItems });
  }

  #acknowledge(conversation: Conversation): void {
    this.#acks.note(conversation.convId, conversation.log.lastSeq, this.#clock.monotonicMs());
  }

  #changed(conversation: Conversation): void {
    this.conversations.changed(conversation);
    this.#onLog(conversation.convId);
  }

  #repaint(convId: string): void {
    this.conversations.repaint(convId);
    this.#changes.touch();
  }
}
