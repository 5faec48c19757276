import type { Clock } from '../core/clock.ts';
import type { ConfigOf } from '../core/config.ts';
import type { Failpoints } from '../core/failpoint.ts';
import { Fault } from '../core/fault.ts';
import type { ConvId, MsgId, Seq, UserId } from '../core/ids.ts';
import type { Logger } from '../core/log.ts';
import type { Service } from '../core/service.ts';
import type { Tracer } from '../core/tracer.ts';
import type { EdgeFrame, OwnerFrame } from '../peer/edge-frames.ts';
import type { GroupDecisionFrame, GroupRequestFrame } from '../peer/group-frames.ts';
import type { Link, LinkEvents } from '../peer/link.ts';
import type { PeerCalls } from '../peer/peer-calls.ts';
import { StallWatch } from '../core/stall-watch.ts';
import { within } from '../core/within.ts';
import type { Devices } from '../ports/devices.ts';
import type { MessageStore } from '../ports/message-store.ts';
import { AckQuestions } from './ack-questions.ts';
import { commandSpan } from './command-span.ts';
import { CursorBook } from './cursor-book.ts';
import { CursorDesk } from './cursor-desk.ts';
import { DeviceDesk } from './device-desk.ts';
import { EdgeDesk } from './edge-desk.ts';
import { EpochWatch } from './epoch-watch.ts';
import { EventFeed } from './event-feed.ts';
import { FanOut } from './fan-out.ts';
import { FenceEvents } from './fence-events.ts';
import { GroupDesk } from './group-desk.ts';
import { HandingOn } from './handing-on.ts';
import { History } from './history.ts';
import { HotConversations } from './hot-conversations.ts';
import { HotRates } from './hot-rates.ts';
import type { Joining } from './joining.ts';
import { confirmedIds, LostEntries } from './lost-entries.ts';
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
  /** Undefined where the store keeps none. */
  readonly devices?: Devices | undefined;
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
  /** Undefined: nothing is traced. */
  readonly tracer?: Tracer | undefined;
}

const secondMs = 1_000;
/** What another node may have written to is read again after this time. */
const confirmMs = 1_000;
/** Conversations whose last commits are remembered for edges that were away, however few are held. */
const leastRecentCommits = 10_000;
/** How long an edge may take to say what its sessions have acknowledged. */
const ackAnswerMs = 1_000;
/** How long a stopping node waits for what is in the store's hands. */
const stopMs = 5_000;

/** A message node: conversations, who is online, and the links to edges and group nodes. */
export class MessageNode implements Service {
  readonly name = 'message';
  readonly meters = new MessageMeters();
  readonly rates: HotRates;
  readonly #config: MessageNodeParts['config'];
  readonly #hot: HotConversations;
  readonly #history: History;
  readonly #cursors: CursorBook;
  readonly #receipts: Receipts;
  readonly #presence = new PresenceBook();
  /** How far sessions are with an entry, whichever edges they are on. */
  readonly acks = new AckQuestions({ presence: this.#presence, timeoutMs: ackAnswerMs });
  readonly #groups: GroupDesk;
  readonly #owner: Owner;
  readonly #store: MessageStore;
  readonly #epochs: EpochWatch;
  readonly #lost: LostEntries;
  /** The epoch of an edge that was turned away until the store has been asked for its own. */
  #askedFor: string | undefined;
  readonly #relay: MessageRelay | undefined;
  readonly #operations: Operations;
  readonly #edges: EdgeDesk;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #recent: RecentCommits | undefined;
  readonly #ownership: Ownership | undefined;
  readonly #stallWatch: StallWatch | undefined;
  readonly #tracer: Tracer | undefined;
  /** Answers other message nodes, and has this node's own conversations forwarded. */
  readonly peers = new PeerDesk({
    forward: (span) => this.#edges.forward(span),
    isOnline: (userId) => this.isOnline(userId),
    acks: this.acks,
    owns: (convId) => this.#owns(convId),
    agrees: (epoch) => this.#agrees(epoch),
    carryOut: (asker, op) => this.#operations.carryOut(asker, op),
    begin: (op, trace) => commandSpan(this.#tracer, op, trace),
  });
  #timers: NodeJS.Timeout[] = [];
  #flushing: Promise<void> = Promise.resolve();

  constructor({
    config,
    store,
    devices,
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
    tracer,
  }: MessageNodeParts) {
    this.#ownership = ownership;
    this.#clock = clock;
    this.rates = new HotRates(clock);
    this.#tracer = tracer;
    if (stallMs !== undefined)
      this.#stallWatch = new StallWatch({ clock, limitMs: stallMs, stalled: () => this.#stalled() });
    this.#config = config;
    this.#log = log;
    this.#lost = new LostEntries({ store, meters: this.meters, log });
    const { hotConversations, hotMembers, recentBytes } = config;
    const limits = {
      maxConversations: hotConversations,
      maxMemberRows: hotMembers,
      maxRecentBytes: recentBytes,
    };
    const confirmAfterMs = ownership === undefined ? undefined : confirmMs;
    const hot = new HotConversations({ store, clock, limits, confirmAfterMs });
    const history = new History({ store, pageBytes: config.pageBytes });
    const cursors = new CursorBook({ store, hot });
    const recent =
      recentMs === undefined
        ? undefined
        : new RecentCommits({
            clock,
            keepMs: recentMs,
            max: Math.max(config.hotConversations, leastRecentCommits),
          });
    this.#recent = recent;
    const fanOut = new FanOut({ hot, presence: this.#presence, incarnation, recent, clock, tracer });
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
      fences: new FenceEvents({ log, meters, clock }),
      limits: { ...config, queueBytes: config.laneQueueBytes },
      rates: this.rates,
      feed: relay === undefined ? undefined : new EventFeed(relay, tracer),
      failpoints,
      tracer,
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
    const views = new Views({ store, hot, cursors, cursorDesk, history });
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
      devices: new DeviceDesk({ devices, clock }),
    });
    this.#edges = new EdgeDesk({
      acks: this.acks,
      clock,
      hot,
      history,
      fanOut,
      presence,
      cursorDesk,
      operations: this.#operations,
      handingOn: new HandingOn({ ownership, others, meters, epoch: () => store.epoch }),
      recent,
      joining,
      incarnation,
      tracer,
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

  /** Those of them that are this node's own. */
  get ownedConversations(): number {
    if (this.#ownership === undefined) return this.#hot.size;
    let owned = 0;
    for (const { convId } of this.#hot.values()) if (this.#owns(convId)) owned += 1;
    return owned;
  }

  /** The message nodes that own conversations, as this node sees them; none while nobody can say. */
  get owners(): readonly string[] {
    return this.#ownership?.names ?? [];
  }

  get queueLimitBytes(): number {
    return this.#config.laneQueueBytes;
  }

  /** What this node holds of a conversation, which is not used by being looked at; undefined where it is not its own. */
  holds(
    convId: ConvId,
  ):
    | { readonly headSeq: Seq; readonly kind: string; readonly members: number; readonly idleMs: number }
    | undefined {
    const held = this.#hot.get(convId);
    if (held === undefined || !held.exists || !this.#owns(convId)) return undefined;
    let members = 0;
    for (const { leftSeq } of held.members.values()) if (leftSeq === 0) members += 1;
    const idleMs = this.#clock.monotonicMs() - held.usedAtMs;
    return { headSeq: held.head.seq, kind: held.kind ?? '', members, idleMs };
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
        this.#guarded(() => this.#edges.mark());
        void this.#epochs.look();
      }, secondMs),
    ];
  }

  /** What is in the hands of a store that does not answer is waited for no longer than that. */
  async drain(deadlineMs = stopMs): Promise<void> {
    const done = async (): Promise<void> => {
      await this.#owner.idle();
      await this.#flush();
      await this.#relay?.drain(deadlineMs);
    };
    await within(deadlineMs, done());
  }

  /** Waits for what is in the store's hands, but not for ever: a store that doesn't answer must not keep us up. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.#stallWatch?.stop();
    this.#owner.stop();
    await within(
      stopMs,
      this.#owner.idle().then(() => this.#flush()),
    );
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

  /** Whether every live connection node is linked and was told of all so far: each is then sent what is forwarded. */
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
  acceptEdge(link: Link<OwnerFrame>, nodeId: string, edgeEpoch = ''): LinkEvents<EdgeFrame> {
    if (edgeEpoch !== '' && edgeEpoch !== this.#store.epoch && edgeEpoch !== this.#askedFor) {
      void this.#epochs.look().then((asked) => {
        if (asked) this.#askedFor = edgeEpoch;
      });
      throw new Fault('epochChanged', { message: 'the edge knows another epoch: the store is asked' });
    }
    this.#askedFor = undefined;
    return this.#edges.accept(link, nodeId);
  }

  #agrees(epoch: string): boolean {
    if (epoch === this.#store.epoch) return true;
    void this.#epochs.look();
    return false;
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
      'parley.store.epoch_before': before,
      'parley.store.epoch': this.#store.epoch,
      // The newest entry that was acknowledged and is gone, where nobody had drawn a new epoch.
      ...(lost === undefined ? {} : { 'parley.lost_msg_id': String(lost) }),
    });
    const known = [...this.#hot.values()].filter(({ convId }) => this.#owns(convId)).map(confirmedIds);
    void this.#lost.count(known).catch((error) => this.#bug(error));
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
