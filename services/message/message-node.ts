import type { Clock } from '../core/clock.ts';
import type { ConfigOf } from '../core/config.ts';
import type { MsgId } from '../core/ids.ts';
import type { Service } from '../core/service.ts';
import type { EdgeFrame, OwnerFrame, Result } from '../peer/edge-frames.ts';
import type { GroupDecisionFrame, GroupRequestFrame } from '../peer/group-frames.ts';
import type { Link, LinkEvents } from '../peer/link.ts';
import type { MessageStore } from '../ports/message-store.ts';
import { CursorBook } from './cursor-book.ts';
import { EdgePeer } from './edge-peer.ts';
import { FanOut } from './fan-out.ts';
import { GroupDesk } from './group-desk.ts';
import { History } from './history.ts';
import { HotConversations } from './hot-conversations.ts';
import { MessageMeters } from './meters.ts';
import { Operations } from './operations.ts';
import type { messageOptions } from './options.ts';
import { Owner } from './owner.ts';
import { PresenceBook } from './presence-book.ts';
import { Receipts } from './receipts.ts';
import { Views } from './views.ts';

export interface MessageNodeParts {
  readonly config: ConfigOf<{ message: typeof messageOptions }>['message'];
  readonly store: MessageStore;
  readonly ids: { next(): MsgId };
  readonly clock: Clock;
  /** Unique among all runs of all message nodes. */
  readonly incarnation: number;
}

const secondMs = 1_000;
/** Typing is told to groups up to this size. */
const maxTypingMembers = 100;

/** A message node: conversations, who is online, and the links to edges and group nodes. */
export class MessageNode implements Service {
  readonly name = 'message';
  readonly meters = new MessageMeters();
  readonly #config: MessageNodeParts['config'];
  readonly #clock: Clock;
  readonly #hot: HotConversations;
  readonly #history: History;
  readonly #fanOut: FanOut;
  readonly #cursors: CursorBook;
  readonly #receipts = new Receipts();
  readonly #presence = new PresenceBook();
  readonly #groups: GroupDesk;
  readonly #owner: Owner;
  readonly #operations: Operations;
  #edges = 0;
  #timers: NodeJS.Timeout[] = [];
  #flushing: Promise<void> = Promise.resolve();

  constructor({ config, store, ids, clock, incarnation }: MessageNodeParts) {
    this.#config = config;
    this.#clock = clock;
    const limits = { maxConversations: config.hotConversations, maxRecentBytes: config.recentBytes };
    const hot = new HotConversations({ store, clock, limits });
    const history = new History({ store, pageBytes: config.pageBytes });
    const cursors = new CursorBook(store);
    const fanOut = new FanOut({ hot, edges: this.#presence.edges, incarnation });
    const groups = new GroupDesk({ timeoutMs: config.decideTimeoutMs });
    const { meters } = this;
    const owner = new Owner({
      store,
      hot,
      clock,
      ids,
      fanOut,
      cursors,
      history,
      groups,
      meters,
      limits: { ...config, queueBytes: config.laneQueueBytes },
    });
    hot.onEvict = (conversation) => {
      fanOut.evicted(conversation);
      this.#receipts.forget(conversation);
    };
    const views = new Views({ store, hot, cursors, history });
    const { receipts, presence } = { receipts: this.#receipts, presence: this.#presence };
    this.#operations = new Operations({
      store,
      hot,
      owner,
      history,
      views,
      cursors,
      receipts,
      presence,
      ids,
      clock,
      meters,
    });
    this.#hot = hot;
    this.#history = history;
    this.#cursors = cursors;
    this.#fanOut = fanOut;
    this.#groups = groups;
    this.#owner = owner;
  }

  get queuedBytes(): number {
    return this.#owner.queuedBytes;
  }

  get hotConversations(): number {
    return this.#hot.size;
  }

  async start(): Promise<void> {
    this.#timers = [
      setInterval(() => void this.#flush(), this.#config.cursorFlushMs),
      setInterval(() => {
        this.#receipts.publish();
        this.#hot.evict();
      }, secondMs),
    ];
  }

  async drain(): Promise<void> {
    await this.#owner.idle();
    await this.#flush();
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.#owner.idle();
    await this.#flush();
  }

  /** A group node is linked. */
  connectGroup(link: Link<GroupRequestFrame>): LinkEvents<GroupDecisionFrame> {
    return this.#groups.attach(link);
  }

  /** An edge is linked. */
  acceptEdge(link: Link<OwnerFrame>): LinkEvents<EdgeFrame> {
    this.#edges += 1;
    const edge = new EdgePeer(this.#edges, link);
    this.#presence.edges.add(edge);
    return {
      frames: (frames) => {
        for (const frame of frames) this.#take(edge, frame);
      },
      down: () => this.#edgeDown(edge),
    };
  }

  #take(edge: EdgePeer, frame: EdgeFrame): void {
    switch (frame.t) {
      case 'command':
        this.#command(edge, frame);
        return;
      case 'delivered':
        for (const { convId, userId, seq } of frame.items) {
          const conversation = this.#hot.get(convId);
          if (conversation?.exists === true) this.#operations.delivered(conversation, userId, seq);
        }
        return;
      case 'sessionUp': {
        const { session, userId, deviceId } = frame;
        this.#presence.up(edge, { no: session, userId, deviceId });
        this.#fanOut.sessionUp(edge, userId);
        edge.send({ t: 'registered', session });
        return;
      }
      case 'sessionDown':
        this.#sessionDown(edge, frame.session);
        return;
      case 'typing':
        this.#typing(frame);
        return;
      case 'watch':
        this.#presence.watch(edge, frame.users);
        return;
      case 'unwatch':
        this.#presence.unwatch(edge, frame.users);
        return;
      case 'audienceUnknown':
        void this.#hot
          .with(frame.convId, (conversation) => this.#fanOut.tellWhole(conversation, edge))
          .catch(ignore);
        return;
      case 'pull':
        void this.#pull(edge, frame).catch(ignore);
    }
  }

  #command(edge: EdgePeer, { call, session, userId, op }: Extract<EdgeFrame, { t: 'command' }>): void {
    const reply = (result: Result): void => edge.send({ t: 'reply', call, result }, weigh(result));
    this.#operations.carryOut(
      {
        edge,
        session: `${edge.no}.${session}`,
        userId,
        more: reply,
        done: reply,
        refuse: ({ reason, message, field, retryAfterMs }) => {
          this.meters.refused += 1;
          edge.send({ t: 'refused', call, refusal: { reason, message, field, retryAfterMs } });
        },
      },
      op,
    );
  }

  #typing({ convId, userId, active }: Extract<EdgeFrame, { t: 'typing' }>): void {
    const conversation = this.#hot.get(convId);
    if (conversation === undefined) {
      // Somebody types in a conversation that isn't hot yet: hold it, so that the next word is heard.
      void this.#hot.with(convId, () => {}).catch(ignore);
      return;
    }
    if (conversation.present(userId) === undefined) return;
    if ((conversation.group?.memberCount ?? 2) > maxTypingMembers) return;
    for (const edge of this.#presence.edges) {
      const audience = this.#fanOut.audienceFor(conversation, edge);
      if (audience !== undefined) edge.send({ t: 'typing', audience: audience.no, convId, userId, active });
    }
  }

  async #pull(edge: EdgePeer, { convId, fromSeq, toSeq }: Extract<EdgeFrame, { t: 'pull' }>): Promise<void> {
    await this.#hot.with(convId, async (conversation) => {
      const entries = await this.#history.stored(
        conversation,
        fromSeq,
        Math.min(toSeq, conversation.head.seq),
      );
      this.#fanOut.repeat(conversation, edge, entries);
    });
  }

  #sessionDown(edge: EdgePeer, session: number): void {
    this.#owner.chains.forget(`${edge.no}.${session}`);
    const gone = this.#presence.down(edge, session, this.#clock.wallMs());
    if (gone !== undefined) this.#fanOut.userGone(edge, gone);
  }

  #edgeDown(edge: EdgePeer): void {
    this.#presence.edges.delete(edge);
    this.#presence.unwatch(edge, [...edge.watched]);
    for (const session of [...edge.sessions.keys()]) {
      this.#owner.chains.forget(`${edge.no}.${session}`);
      this.#presence.down(edge, session, this.#clock.wallMs());
    }
    this.#fanOut.edgeGone(edge);
  }

  #flush(): Promise<void> {
    this.#flushing = this.#flushing.then(() => this.#cursors.flush());
    return this.#flushing;
  }
}

function weigh(result: Result): number {
  if (result.t === 'page') return 128 + result.entries.length * 512;
  if (result.t === 'conversations') return 128 + result.conversations.length * 1_024;
  return result.t === 'members' ? 128 + result.members.length * 96 : 128;
}

/** What an edge didn't get because the store can't be read, it asks for again. */
function ignore(): void {}
