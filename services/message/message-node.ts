import type { Clock } from '../core/clock.ts';
import type { ConfigOf } from '../core/config.ts';
import type { Failpoints } from '../core/failpoint.ts';
import { Fault } from '../core/fault.ts';
import type { ConvId, MsgId, UserId } from '../core/ids.ts';
import type { Logger } from '../core/log.ts';
import type { Service } from '../core/service.ts';
import type { EdgeFrame, OwnerFrame } from '../peer/edge-frames.ts';
import type { GroupDecisionFrame, GroupRequestFrame } from '../peer/group-frames.ts';
import type { Link, LinkEvents } from '../peer/link.ts';
import type { PeerCalls } from '../peer/peer-calls.ts';
import { StallWatch } from '../core/stall-watch.ts';
import type { MessageStore } from '../ports/message-store.ts';
import { CursorBook } from './cursor-book.ts';
import { CursorDesk } from './cursor-desk.ts';
import { EdgeDesk } from './edge-desk.ts';
import { EpochWatch } from './epoch-watch.ts';
import { EventFeed } from './event-feed.ts';
import { FanOut } from './fan-out.ts';
import { GroupDesk } from './group-desk.ts';
import { HandingOn } from './handing-on.ts';
import { History } from './history.ts';
import { HotConversations } from './hot-conversations.ts';
import type { Joining } from './joining.ts';
import { MessageMeters } from './meters.ts';
import { Operations } from './operations.ts';
import type { messageOptions } from './options.ts';
import { Owner } from './owner.ts';
import type { Ownership } from './ownership.ts';
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
/** How long a stopping node waits for what is in the store's hands. */
const stopMs = 5_000;

/** A message node: conversations, who is online, and the links to edges and group nodes. */
export class MessageNode implements Service {
  readonly name = 'message';
  readonly meters = new MessageMeters();
  readonly #config: MessageNodeParts['config'];
  readonly #hot: HotConversations;
  readonly #history: History;
  readonly #cursors: CursorBook;
  readonly #receipts: Receipts;
  readonly #presence = new PresenceBook();
  readonly #groups: GroupDesk;
  readonly #owner: Owner;
  readonly #store: MessageStore;
  readonly #epochs: EpochWatch;
  /** The epoch of an edge that was turned away until the store has been asked for its own. */
  #askedFor: string | undefined;
  readonly #relay: MessageRelay | undefined;
  readonly #operations: Operations;
  readonly #edges: EdgeDesk;
  readonly #log: Logger;
  readonly #recent: RecentCommits | undefined;
  readonly #ownership: Ownership | undefined;
  readonly #stallWatch: StallWatch | undefined;
  /** Answers other message nodes, and has this node's own conversations forwarded. */
  readonly peers = new PeerDesk({
    forward: (span) => this.#edges.forward(span),
    isOnline: (userId) => this.isOnline(userId),
    owns: (convId) => this.#owns(convId),
    carryOut: (asker, op) => this.#operations.carryOut(asker, op),
  });
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
    if (stallMs !== undefined)
      this.#stallWatch = new StallWatch({ clock, limitMs: stallMs, stalled: () => this.#stalled() });
    this.#config = config;
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
    this.#edges = new EdgeDesk({
      clock,
      hot,
      history,
      fanOut,
      presence,
      cursorDesk,
      operations: this.#operations,
      handingOn: new HandingOn({ ownership, others, meters }),
      recent,
      joining,
      owns: (convId) => this.#owns(convId),
      refused: (fault) => {
        if (fault.reason === 'internal') this.#bug(fault.cause);
        meters.refused += 1;
      },
      bug: (error) => this.#bug(error),
    });
    this.#hot = hot;
    this.#store = store;
    this.#epochs = epochs;
    this.#history = history;
    this.#cursors = cursors;
    this.#receipts = receipts;
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
   * The message nodes that own conversations; undefined while nobody can say, when edges decide. What is no longer this
   * node's is let go of once it is done with.
   */
  see(owners: readonly { readonly nodeId: string }[] | undefined): void {
    if (this.#ownership?.see(owners)) this.#hot.letGo((convId) => this.#owns(convId));
  }

  /** The connection nodes that live, whether they are linked or not. */
  seeEdges(edges: readonly { readonly nodeId: string }[]): void {
    this.#edges.see(edges.map(({ nodeId }) => nodeId));
  }

  /** Whether every live connection node is linked: each is then sent what is forwarded. */
  get linked(): boolean {
    return this.#edges.linked;
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
    return this.#edges.accept(link, nodeId);
  }

  #owns(convId: ConvId): boolean {
    return this.#ownership === undefined || this.#ownership.owns(convId);
  }

  #stalled(): void {
    this.#log.warn('the node has hung', { 'event.action': 'node-stalled' });
    this.#edges.closeAll('stalled');
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
    this.#edges.reset(this.#store.epoch);
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
