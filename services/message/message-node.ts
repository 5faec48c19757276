import type { Clock } from '../core/clock.ts';
import type { ConfigOf } from '../core/config.ts';
import type { Failpoints } from '../core/failpoint.ts';
import { Fault, toFault } from '../core/fault.ts';
import type { ConvId, MsgId, Seq, UserId } from '../core/ids.ts';
import type { Logger } from '../core/log.ts';
import type { Service } from '../core/service.ts';
import { conversationOf } from '../peer/conversation-of.ts';
import type { EdgeFrame, Operation, OwnerFrame } from '../peer/edge-frames.ts';
import type { GroupDecisionFrame, GroupRequestFrame } from '../peer/group-frames.ts';
import { handedOn } from '../peer/handed-on.ts';
import type { Link, LinkEvents } from '../peer/link.ts';
import type { PeerCalls } from '../peer/peer-calls.ts';
import { StallWatch } from '../core/stall-watch.ts';
import { type MessageStore, StoreError } from '../ports/message-store.ts';
import type { OutboxSpan } from '../ports/outbox.ts';
import type { Conversation } from './conversation.ts';
import { CursorBook } from './cursor-book.ts';
import { CursorDesk } from './cursor-desk.ts';
import { EdgeAsker } from './edge-asker.ts';
import { EdgePeer } from './edge-peer.ts';
import { EdgeSession } from './edge-session.ts';
import { EpochWatch } from './epoch-watch.ts';
import { EventFeed } from './event-feed.ts';
import { FanOut } from './fan-out.ts';
import { GroupDesk } from './group-desk.ts';
import { History } from './history.ts';
import { HotConversations } from './hot-conversations.ts';
import type { Joining } from './joining.ts';
import { MessageMeters } from './meters.ts';
import { type Asker, Operations } from './operations.ts';
import type { messageOptions } from './options.ts';
import { Owner } from './owner.ts';
import type { Ownership } from './ownership.ts';
import { notOwner } from './not-owner.ts';
import { PeerDesk } from './peer-desk.ts';
import { PresenceBook } from './presence-book.ts';
import { Receipts } from './receipts.ts';
import { RecentCommits } from './recent-commits.ts';
import type { Relay } from './relay/relay.ts';
import { Views } from './views.ts';

/** What a message node does with the relay. */
export type MessageRelay = Pick<Relay, 'publishes' | 'committed' | 'uncertain' | 'drain' | 'stop'>;

export interface MessageNodeParts {
  readonly config: ConfigOf<{ message: typeof messageOptions }>['message'];
  readonly store: MessageStore;
  readonly ids: { next(): MsgId };
  readonly clock: Clock;
  /** Unique among all runs of all message nodes. */
  readonly incarnation: number;
  readonly log: Logger;
  /** How long to remember what was committed, for edges whose links are down; undefined where links stay. */
  readonly recentMs?: number;
  /** Where other message nodes share the conversations; undefined: all are this node's. */
  readonly ownership?: Ownership;
  /** The other message nodes, to whom commands are handed on; undefined: those are refused. */
  readonly others?: Pick<PeerCalls, 'isLinked' | 'command'>;
  /** Told which edges have told of themselves, while this node may own nothing yet. */
  readonly joining?: Pick<Joining, 'see' | 'told'>;
  /** After hanging for so long, in milliseconds, others own what was this node's; undefined where there are none. */
  readonly stallMs?: number;
  readonly failpoints?: Failpoints | undefined;
  /** Publishes what is committed; absent where nobody consumes it, which then costs nothing. */
  readonly relay?: MessageRelay | undefined;
}

const secondMs = 1_000;
/** What another node may have written to is read again after this time. */
const confirmMs = 1_000;
/** Conversations whose last commits are remembered for edges that were away, however few are held. */
const leastRecentCommits = 10_000;
/** Typing is told to groups up to this size. */
const maxTypingMembers = 100;
/** How long a stopping node waits for what is in the store's hands. */
const stopMs = 5_000;

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
  readonly #receipts: Receipts;
  readonly #cursorDesk: CursorDesk;
  readonly #presence = new PresenceBook();
  readonly #groups: GroupDesk;
  readonly #owner: Owner;
  readonly #store: MessageStore;
  readonly #epochs: EpochWatch;
  /** The epoch of an edge that was turned away until the store has been asked for its own. */
  #askedFor: string | undefined;
  readonly #relay: MessageRelay | undefined;
  readonly #operations: Operations;
  readonly #log: Logger;
  readonly #recent: RecentCommits | undefined;
  readonly #ownership: Ownership | undefined;
  readonly #others: MessageNodeParts['others'];
  readonly #joining: MessageNodeParts['joining'];
  readonly #stallWatch: StallWatch | undefined;
  /** Answers other message nodes, and has this node's own conversations forwarded. */
  readonly peers = new PeerDesk({
    forward: (span) => this.#forward(span),
    isOnline: (userId) => this.isOnline(userId),
    owns: (convId) => this.#owns(convId),
    carryOut: (asker, op) => this.#operations.carryOut(asker, op),
  });
  /** The connection nodes that live, as far as is known. */
  #liveEdges: readonly string[] = [];
  #edges = 0;
  readonly #askers = {
    refused: (fault: Fault): void => {
      if (fault.reason === 'internal') this.#bug(fault.cause);
      this.meters.refused += 1;
    },
  };
  #timers: NodeJS.Timeout[] = [];
  #flushing: Promise<void> = Promise.resolve();

  constructor({
    config,
    store,
    ids,
    clock,
    incarnation,
    log,
    recentMs,
    ownership,
    others,
    joining,
    stallMs,
    failpoints,
    relay,
  }: MessageNodeParts) {
    this.#ownership = ownership;
    this.#others = others;
    this.#joining = joining;
    if (stallMs !== undefined)
      this.#stallWatch = new StallWatch({ clock, limitMs: stallMs, stalled: () => this.#stalled() });
    this.#config = config;
    this.#clock = clock;
    this.#log = log;
    const limits = { maxConversations: config.hotConversations, maxRecentBytes: config.recentBytes };
    const confirmAfterMs = ownership === undefined ? undefined : confirmMs;
    const hot = new HotConversations({ store, clock, limits, confirmAfterMs });
    const history = new History({ store, pageBytes: config.pageBytes });
    const cursors = new CursorBook(store);
    const recent =
      recentMs === undefined
        ? undefined
        : new RecentCommits({
            clock,
            keepMs: recentMs,
            max: Math.max(config.hotConversations, leastRecentCommits),
          });
    this.#recent = recent;
    const fanOut = new FanOut({ hot, presence: this.#presence, incarnation, recent, clock });
    const groups = new GroupDesk({ timeoutMs: config.decideTimeoutMs });
    const { meters } = this;
    const receipts = new Receipts(cursors);
    const presence = this.#presence;
    const cursorDesk = new CursorDesk({ history, cursors, receipts, presence });
    const epochs = new EpochWatch({
      store,
      changed: (before, lost) => this.#restored(before, lost),
      bug: (error) => this.#bug(error),
    });
    const owner = new Owner({
      store,
      epochs,
      hot,
      clock,
      ids,
      fanOut,
      cursors,
      history,
      groups,
      meters,
      limits: { ...config, queueBytes: config.laneQueueBytes },
      feed: relay === undefined ? undefined : new EventFeed(relay),
      failpoints,
      stalled: () => this.#stallWatch?.stalled ?? false,
      owns: (convId) => this.#owns(convId),
      bug: (error) => this.#bug(error),
    });
    hot.onEvict = (conversation) => {
      epochs.letGo(conversation.head.msgId);
      fanOut.evicted(conversation);
      receipts.forget(conversation);
    };
    hot.onBehind = ({ head }) => epochs.suspect(head.msgId);
    hot.onTakenOver = (conversation) => {
      if (this.#owns(conversation.convId)) fanOut.takenOver(conversation);
    };
    hot.onLearned = (conversation, oldHead) => owner.learned(conversation, oldHead);
    const views = new Views({ store, hot, cursors, history });
    this.#operations = new Operations({
      store,
      hot,
      owner,
      history,
      views,
      cursors,
      cursorDesk,
      presence,
      ids,
      clock,
      meters,
    });
    this.#hot = hot;
    this.#store = store;
    this.#epochs = epochs;
    this.#history = history;
    this.#cursors = cursors;
    this.#receipts = receipts;
    this.#cursorDesk = cursorDesk;
    this.#fanOut = fanOut;
    this.#groups = groups;
    this.#owner = owner;
    this.#relay = relay;
  }

  get queuedBytes(): number {
    return this.#owner.queuedBytes;
  }

  get hotConversations(): number {
    return this.#hot.size;
  }

  /** Edges that are linked. */
  get edges(): number {
    return this.#presence.edges.size;
  }

  async start(): Promise<void> {
    this.#stallWatch?.start();
    this.#timers = [
      setInterval(() => void this.#flush(), this.#config.cursorFlushMs),
      setInterval(() => {
        this.#guarded(() => this.#receipts.publish());
        this.#guarded(() => this.#hot.evict());
        void this.#epochs.look();
      }, secondMs),
    ];
  }

  async drain(deadlineMs = stopMs): Promise<void> {
    await this.#owner.idle();
    await this.#flush();
    await this.#relay?.drain(deadlineMs);
  }

  /** Waits for what is in the store's hands, but not for ever: a store that doesn't answer must not keep us up. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.#stallWatch?.stop();
    this.#owner.stop();
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, stopMs);
    });
    await Promise.race([this.#owner.idle().then(() => this.#flush()), patience]);
    clearTimeout(timer);
    await this.#relay?.stop();
  }

  /** Whether a user has a session on any edge that is linked. */
  isOnline(userId: UserId): boolean {
    return this.#presence.state(userId).online;
  }

  /**
   * The message nodes that own conversations; undefined while nobody can say, when edges decide. What is no longer this node's is let go of once it
   * is done with.
   */
  see(owners: readonly { readonly nodeId: string }[] | undefined): void {
    if (this.#ownership?.see(owners)) this.#hot.letGo((convId) => this.#owns(convId));
  }

  /** The connection nodes that live, whether they are linked or not. */
  seeEdges(edges: readonly { readonly nodeId: string }[]): void {
    this.#liveEdges = edges.map(({ nodeId }) => nodeId);
    this.#joining?.see(this.#liveEdges);
  }

  /** Whether every live connection node is linked: each is then sent what is forwarded. */
  get linked(): boolean {
    const linked = new Set([...this.#presence.edges].map(({ nodeId }) => nodeId));
    return this.#liveEdges.every((nodeId) => linked.has(nodeId));
  }

  /** A group node is linked. */
  connectGroup(link: Link<GroupRequestFrame>, nodeId = 'group'): LinkEvents<GroupDecisionFrame> {
    return this.#groups.attach(link, nodeId);
  }

  /**
   * An edge is linked. `edgeEpoch` is the epoch that it has heard of, empty for none. Throws the Fault `epochChanged`
   * where that is another one than this node's: one of the two is out of date, and the edge may come again once the store
   * has been asked. What this node says of the epoch to an edge that knows another is therefore the newer word.
   */
  acceptEdge(link: Link<OwnerFrame>, nodeId = 'edge', edgeEpoch = ''): LinkEvents<EdgeFrame> {
    if (edgeEpoch !== '' && edgeEpoch !== this.#store.epoch && edgeEpoch !== this.#askedFor) {
      void this.#epochs.look().then((asked) => {
        if (asked) this.#askedFor = edgeEpoch;
      });
      throw new Fault('epochChanged', { message: 'the edge knows another epoch: the store is asked' });
    }
    this.#askedFor = undefined;
    this.#edges += 1;
    const linkedAtMs = this.#clock.monotonicMs();
    const edge = new EdgePeer({ no: this.#edges, nodeId, link, linkedAtMs });
    this.#presence.edges.add(edge);
    return {
      frames: (frames) => {
        for (const frame of frames) this.#guarded(() => this.#take(edge, frame));
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
        this.#delivered(frame);
        return;
      case 'sessionUp': {
        const { session, userId, deviceId } = frame;
        this.#presence.up(new EdgeSession({ edge, no: session, userId, deviceId }));
        this.#fanOut.sessionUp(edge, userId);
        edge.send({ t: 'registered', session });
        return;
      }
      case 'sessionDown':
        this.#sessionDown(edge, frame.session);
        return;
      case 'snapshot':
        // The edge has counted after it was linked: none of its sessions is older than this.
        for (const [convId, seq] of this.#recent?.since(edge.linkedAtMs - frame.oldestMs) ?? [])
          edge.misses(convId, seq);
        return;
      case 'snapshotEnd':
        edge.complete = true;
        this.#told();
        this.#replay(edge);
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
        this.#known(frame.convId, (conversation) => {
          this.#fanOut.tellWhole(conversation, edge, frame.seq);
          return this.#pull(edge, conversation, frame.seq, conversation.head.seq);
        });
        return;
      case 'pull':
        this.#known(frame.convId, (conversation) =>
          this.#pull(edge, conversation, frame.fromSeq, frame.toSeq),
        );
    }
  }

  #command(edge: EdgePeer, { call, session, userId, op }: Extract<EdgeFrame, { t: 'command' }>): void {
    const refused = edge.sessions.get(session);
    const asker = new EdgeAsker(this.#askers, edge, call, userId, refused);
    try {
      const convId = conversationOf(op);
      if (convId !== undefined && !this.#owns(convId)) {
        // What its session sends behind it must not pass before it, here or elsewhere.
        if (op.t === 'send' && op.chain > 0) refused?.refuse(convId, op.chain);
        this.#handOn(asker, op);
        return;
      }
      this.#operations.carryOut(asker, op);
    } catch (error) {
      asker.refuse(toFault(error));
    }
  }

  /** To the owner that this node sees, once: an edge that asks the wrong node has an older view than that. */
  #handOn(asker: Asker, op: Operation): void {
    const convId = handedOn(op);
    const owner = convId === undefined ? undefined : this.#ownership?.ownerOf(convId);
    if (owner === undefined || this.#others?.isLinked(owner) !== true) throw notOwner();
    this.meters.handedOn += 1;
    this.#others.command(owner, asker.userId, op).then(
      (result) => asker.done(result),
      (error) => asker.refuse(toFault(error)),
    );
  }

  /** Most are of conversations that are hot: those are done at once. */
  #delivered({ items }: Extract<EdgeFrame, { t: 'delivered' }>): void {
    for (const { convId, userId, seq } of items) {
      if (!this.#owns(convId)) continue;
      const conversation = this.#hot.get(convId);
      if (conversation === undefined) {
        this.#held(convId, (loaded) => this.#cursorDesk.delivered(loaded, userId, seq));
      } else if (conversation.exists) this.#cursorDesk.delivered(conversation, userId, seq);
    }
  }

  /**
   * Forwards what an edge missed while it was not linked and has not been told since: what this node has committed is its
   * to tell, whoever owns the conversation by now.
   */
  #replay(edge: EdgePeer): void {
    for (const [convId, fromSeq] of edge.missed)
      this.#use(convId, (conversation) => {
        if (!edge.missed.has(convId) || !conversation.exists) return;
        // Its announcement says where to begin.
        const told = this.#fanOut.audienceFor(conversation, edge) !== undefined;
        edge.missed.delete(convId);
        if (told) return this.#pull(edge, conversation, fromSeq, conversation.head.seq);
      });
  }

  #typing({ convId, userId, active }: Extract<EdgeFrame, { t: 'typing' }>): void {
    if (!this.#owns(convId)) return;
    const conversation = this.#hot.get(convId);
    if (conversation === undefined) {
      // Somebody types in a conversation that isn't hot yet: hold it, so that the next word is heard.
      this.#held(convId, () => {});
      return;
    }
    if (conversation.present(userId) === undefined) return;
    if ((conversation.group?.memberCount ?? 2) > maxTypingMembers) return;
    for (const edge of this.#presence.edges) {
      const audience = this.#fanOut.audienceFor(conversation, edge);
      if (audience !== undefined) edge.send({ t: 'typing', audience: audience.no, convId, userId, active });
    }
  }

  async #pull(edge: EdgePeer, conversation: Conversation, fromSeq: Seq, toSeq: Seq): Promise<void> {
    const last = Math.min(toSeq, conversation.head.seq);
    if (fromSeq > last) return;
    this.#fanOut.repeat(conversation, edge, await this.#history.stored(conversation, fromSeq, last));
  }

  /** With the conversation loaded. What a store that can't be read keeps from an edge, the edge asks for again. */
  #held(convId: ConvId, use: (conversation: Conversation) => void | Promise<void>): void {
    if (this.#owns(convId)) this.#use(convId, use);
  }

  #use(convId: ConvId, use: (conversation: Conversation) => void | Promise<void>): void {
    this.#hot.with(convId, use).catch((error) => {
      if (!(error instanceof StoreError)) this.#bug(error);
    });
  }

  /** Sends every edge entries that it may not have been sent, for they were committed by a node that died since. */
  async #forward({ convId, firstSeq, lastSeq }: OutboxSpan): Promise<boolean> {
    if (!this.#owns(convId)) return false;
    try {
      // A batch under way reads by itself when it finds that it is late, and then the next try finds what it has read.
      if (!(await this.#hot.reaches(convId, lastSeq))) return false;
      return await this.#hot.with(convId, async (conversation) => {
        this.#fanOut.mayLack(conversation, firstSeq);
        for (let from = firstSeq; from <= lastSeq; ) {
          const entries = await this.#history.stored(conversation, from, lastSeq);
          const last = entries.at(-1);
          // Whatever is not there any more, nobody can be sent.
          if (last === undefined) break;
          for (const edge of this.#presence.edges) this.#fanOut.repeat(conversation, edge, entries);
          from = last.seq + 1;
        }
        return this.linked && this.#owns(convId);
      });
    } catch (error) {
      if (!(error instanceof StoreError)) this.#bug(error);
      return false;
    }
  }

  /** Like `held`, also where another node is the owner by now and this one has not let go yet: what it committed is its to tell. */
  #known(convId: ConvId, use: (conversation: Conversation) => void | Promise<void>): void {
    if (this.#hot.get(convId)?.exists === true) this.#use(convId, use);
    else this.#held(convId, use);
  }

  #owns(convId: ConvId): boolean {
    return this.#ownership === undefined || this.#ownership.owns(convId);
  }

  #sessionDown(edge: EdgePeer, session: number): void {
    const gone = this.#presence.down(edge, session, this.#clock.wallMs());
    if (gone !== undefined) this.#fanOut.userGone(edge, gone);
  }

  #edgeDown(edge: EdgePeer): void {
    this.#presence.edges.delete(edge);
    this.#presence.unwatch(edge, [...edge.watched]);
    for (const [no, session] of [...edge.sessions]) {
      // The edge has refused all that it waited for. Its clients send it again, by now perhaps to another owner.
      session.close();
      this.#presence.down(edge, no, this.#clock.wallMs());
    }
    this.#fanOut.edgeGone(edge);
    if (edge.complete) this.#told();
  }

  /** Which edges have told of all their sessions. */
  #told(): void {
    const complete = [...this.#presence.edges].filter((edge) => edge.complete);
    this.#joining?.told(complete.map(({ nodeId }) => nodeId));
  }

  /** What edges sent before is void: they have asked somebody else, or ask again with a link of their own. */
  #stalled(): void {
    this.#log.warn('the node has hung', { 'event.action': 'node-stalled' });
    for (const edge of [...this.#presence.edges]) edge.close('stalled');
  }

  /** The store is another one under the same name: nothing that was known is true, and everybody starts over. */
  #restored(before: string, lost: MsgId | undefined): void {
    this.meters.resets += 1;
    this.#log.warn('the store was restored: all sessions start over', {
      'event.action': 'store-restored',
      'parley.store.epoch.before': before,
      'parley.store.epoch': this.#store.epoch,
      // The newest entry that was acknowledged and is gone, where nobody had drawn a new epoch.
      ...(lost === undefined ? {} : { 'parley.entry.lost': String(lost) }),
    });
    this.#hot.clear();
    this.#history.clear();
    this.#receipts.clear();
    this.#recent?.clear();
    for (const edge of this.#presence.edges) {
      edge.missed.clear();
      edge.send({ t: 'reset', epoch: this.#store.epoch });
    }
  }

  #flush(): Promise<void> {
    this.#flushing = this.#flushing.then(() => this.#cursors.flush()).catch((error) => this.#bug(error));
    return this.#flushing;
  }

  #guarded(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#bug(error);
    }
  }

  #bug(error: unknown): void {
    this.#log.error('a task of the message node failed', { 'event.action': 'internal-error' }, error);
  }
}
