import type { Clock } from '../core/clock.ts';
import { type Fault, toFault } from '../core/fault.ts';
import type { ConvId, Seq } from '../core/ids.ts';
import type { Tracer } from '../core/tracer.ts';
import { conversationOf } from '../peer/conversation-of.ts';
import type { EdgeFrame, OwnerFrame } from '../peer/edge-frames.ts';
import type { Link, LinkEvents } from '../peer/link.ts';
import { StoreError } from '../ports/message-store.ts';
import type { OutboxSpan } from '../ports/outbox.ts';
import type { AckQuestions } from './ack-questions.ts';
import { commandSpan } from './command-span.ts';
import type { Conversation } from './conversation.ts';
import type { CursorDesk } from './cursor-desk.ts';
import { EdgeAsker } from './edge-asker.ts';
import { EdgePeer } from './edge-peer.ts';
import { EdgeSession } from './edge-session.ts';
import type { FanOut } from './fan-out.ts';
import type { HandingOn } from './handing-on.ts';
import type { History } from './history.ts';
import type { HotConversations } from './hot-conversations.ts';
import type { Joining } from './joining.ts';
import type { Operations } from './operations.ts';
import type { PresenceBook } from './presence-book.ts';
import type { RecentCommits } from './recent-commits.ts';
import { Replay, type ReplayParts } from './replay.ts';
import { settledMs } from './take-over.ts';

export interface EdgeDeskParts {
  readonly acks: Pick<AckQuestions, 'answered' | 'gone'>;
  readonly clock: Clock;
  readonly hot: HotConversations;
  readonly history: History;
  readonly fanOut: FanOut;
  readonly presence: PresenceBook;
  readonly cursorDesk: CursorDesk;
  readonly operations: Operations;
  readonly handingOn: HandingOn;
  /** What was committed lately, for edges whose links were down. */
  readonly recent: RecentCommits | undefined;
  /** Told which edges live and which have told of themselves, while this node may own nothing yet. */
  readonly joining: Pick<Joining, 'see' | 'told'> | undefined;
  /** Of this run. */
  readonly incarnation: number;
  readonly tracer?: Tracer | undefined;
  owns(convId: ConvId): boolean;
  /** Before a refusal goes out. */
  refused(fault: Fault): void;
  bug(error: unknown): void;
}

/** Typing is told to groups up to this size. */
const maxTypingMembers = 100;

/** What a message node has to do with edges: takes what they send, and sends them what they lack. */
export class EdgeDesk {
  readonly #parts: EdgeDeskParts;
  readonly #replay: Replay;
  #accepted = 0;
  /** Those that live, as far as is known. */
  #live: readonly string[] = [];

  constructor(parts: EdgeDeskParts) {
    this.#parts = parts;
    const { hot, fanOut, presence, bug } = parts;
    const pull: ReplayParts['pull'] = (...asked) => this.#pull(...asked);
    this.#replay = new Replay({ hot, fanOut, presence, bug, pull });
  }

  /** An edge is linked. */
  accept(link: Link<OwnerFrame>, nodeId: string): LinkEvents<EdgeFrame> {
    const { clock, presence } = this.#parts;
    this.#accepted += 1;
    const edge = new EdgePeer({ no: this.#accepted, nodeId, link, linkedAtMs: clock.monotonicMs() });
    presence.edges.add(edge);
    return {
      frames: (frames) => {
        // What follows from one of them may close the link.
        for (const frame of frames) if (!edge.isDown) this.#guardedTake(edge, frame);
      },
      down: () => this.#down(edge),
    };
  }

  /** The connection nodes that live, whether they are linked or not. */
  see(nodeIds: readonly string[]): void {
    this.#live = nodeIds;
    this.#parts.joining?.see(nodeIds);
  }

  /** Says to each edge up to when it has been told of everything. To be called every second. */
  mark(): void {
    const { presence, recent, incarnation, clock } = this.#parts;
    if (recent === undefined) return;
    const until = { incarnation, atMs: Math.floor(clock.monotonicMs()) };
    for (const edge of presence.edges) if (edge.caughtUp) edge.send({ t: 'told', until });
  }

  /** Whether every live connection node is linked and was told of all so far: each is then sent what is forwarded. */
  get linked(): boolean {
    const linked = new Set<string>();
    for (const { nodeId, caughtUp } of this.#parts.presence.edges) {
      if (!caughtUp) return false;
      linked.add(nodeId);
    }
    return this.#live.every((nodeId) => linked.has(nodeId));
  }

  /** What edges sent before is void: they have asked somebody else, or ask again with a link of their own. */
  closeAll(why: string): void {
    for (const edge of [...this.#parts.presence.edges]) edge.close(why);
  }

  /** Tells all edges that the store has another epoch. */
  reset(epoch: string): void {
    for (const edge of this.#parts.presence.edges) {
      edge.missed.clear();
      edge.send({ t: 'reset', epoch });
    }
  }

  /**
   * Sends every edge entries that it may not have been sent, for they were committed by a node that died since. Whether
   * this node still owns the conversation, and all of it was sent.
   */
  async forward({ convId, firstSeq, lastSeq }: OutboxSpan): Promise<boolean> {
    const { hot, history, fanOut, presence, owns, bug } = this.#parts;
    if (!owns(convId)) return false;
    try {
      // A batch under way reads by itself when it finds that it is late, and then the next try finds what it has read.
      if (!(await hot.reaches(convId, lastSeq))) return false;
      return await hot.with(convId, async (conversation) => {
        fanOut.mayLack(conversation, firstSeq);
        for (let from = firstSeq; from <= lastSeq; ) {
          const entries = await history.stored(conversation, from, lastSeq);
          const last = entries.at(-1);
          // Whatever is not there any more, nobody can be sent.
          if (last === undefined) break;
          for (const edge of presence.edges) fanOut.repeat(conversation, edge, entries);
          from = last.seq + 1;
        }
        return this.linked && owns(convId);
      });
    } catch (error) {
      if (!(error instanceof StoreError)) bug(error);
      return false;
    }
  }

  #guardedTake(edge: EdgePeer, frame: EdgeFrame): void {
    try {
      this.#take(edge, frame);
    } catch (error) {
      this.#parts.bug(error);
    }
  }

  #take(edge: EdgePeer, frame: EdgeFrame): void {
    const { clock, presence, fanOut, hot, recent } = this.#parts;
    switch (frame.t) {
      case 'command':
        this.#command(edge, frame);
        return;
      case 'delivered':
        this.#delivered(frame);
        return;
      case 'sessionUp': {
        const { session, userId, deviceId, ageMs } = frame;
        // The edge has counted after it was linked: one that is named in a snapshot counts as no younger than it is.
        const sinceMs = Math.floor(edge.complete ? clock.monotonicMs() : edge.linkedAtMs - ageMs);
        presence.up(new EdgeSession({ edge, no: session, userId, deviceId, sinceMs }));
        fanOut.sessionUp(edge, userId);
        edge.send({ t: 'registered', session });
        return;
      }
      case 'sessionDown':
        this.#sessionDown(edge, frame.session);
        return;
      case 'snapshot':
        if (recent !== undefined) this.#missed(edge, frame, recent);
        return;
      case 'snapshotEnd':
        edge.complete = true;
        // What is left of its earlier link leads nowhere.
        for (const earlier of presence.edges)
          if (earlier.no < edge.no && earlier.nodeId === edge.nodeId) earlier.close('replaced');
        edge.endStale();
        this.#told();
        void this.#replay.tell(edge);
        return;
      case 'typing':
        this.#typing(frame);
        return;
      case 'watch':
        presence.watch(edge, frame.users);
        return;
      case 'unwatch':
        presence.unwatch(edge, frame.users);
        return;
      case 'sessionAcks':
        this.#parts.acks.answered(edge, frame.call, frame.sessions);
        return;
      case 'audienceUnknown':
        this.#known(frame.convId, async (conversation) => {
          // It has heard of entries that another owner has written, and perhaps of removals: who hears of it is not known.
          if (conversation.head.seq + 1 < frame.seq) await hot.reaches(frame.convId, frame.seq - 1);
          // It may have asked before the store was restored, for what is not there any more; the link was slow.
          const fromSeq = Math.min(frame.seq, conversation.head.seq + 1);
          fanOut.tellWhole(conversation, edge, fromSeq);
          return this.#pull(edge, conversation, fromSeq, conversation.head.seq);
        });
        return;
      case 'pull':
        this.#known(frame.convId, (conversation) =>
          this.#pull(edge, conversation, frame.fromSeq, frame.toSeq),
        );
    }
  }

  /** What its sessions may lack: some of it is remembered; whoever may lack the rest is stale. */
  #missed(edge: EdgePeer, { oldestMs, told }: Extract<EdgeFrame, { t: 'snapshot' }>, recent: RecentCommits) {
    // The edge has counted after it was linked: none of its sessions is older than this, and none has synced from less.
    const sinceMs = edge.linkedAtMs - oldestMs - settledMs;
    edge.missedBefore(recent.since(sinceMs));
    const { forgottenToMs } = recent;
    const toldMs = told?.incarnation === this.#parts.incarnation ? told.atMs : sinceMs;
    if (forgottenToMs < Math.max(toldMs, sinceMs)) return;
    edge.staleBeforeMs = Math.max(edge.staleBeforeMs, forgottenToMs + settledMs);
  }

  #command(edge: EdgePeer, { call, session, userId, op, trace }: Extract<EdgeFrame, { t: 'command' }>): void {
    const { operations, handingOn, owns, tracer } = this.#parts;
    const chains = edge.sessions.get(session);
    const span = trace === undefined ? undefined : commandSpan(tracer, op, trace);
    const asker = new EdgeAsker(this.#parts, { edge, call, userId, session: chains, span });
    try {
      const convId = conversationOf(op);
      if (convId !== undefined && !owns(convId)) {
        // What its session sends behind it must not pass before it, here or elsewhere.
        if (op.t === 'send' && op.chain > 0) chains?.refuse(convId, op.chain);
        handingOn.handOn(asker, op);
        return;
      }
      operations.carryOut(asker, op);
    } catch (error) {
      asker.refuse(toFault(error));
    }
  }

  /** Most are of conversations that are hot: those are done at once. */
  #delivered({ items }: Extract<EdgeFrame, { t: 'delivered' }>): void {
    const { hot, cursorDesk, owns } = this.#parts;
    for (const { convId, userId, seq } of items) {
      if (!owns(convId)) continue;
      const conversation = hot.get(convId);
      if (conversation === undefined) {
        this.#held(convId, (loaded) => cursorDesk.delivered(loaded, userId, seq));
      } else if (conversation.exists) cursorDesk.delivered(conversation, userId, seq);
    }
  }

  #typing({ convId, userId, active }: Extract<EdgeFrame, { t: 'typing' }>): void {
    const { hot, fanOut, presence, owns } = this.#parts;
    if (!owns(convId)) return;
    const conversation = hot.get(convId);
    if (conversation === undefined) {
      // Somebody types in a conversation that isn't hot yet: hold it, so that the next word is heard.
      this.#held(convId, () => {});
      return;
    }
    if (conversation.present(userId) === undefined) return;
    if ((conversation.group?.memberCount ?? 2) > maxTypingMembers) return;
    for (const edge of presence.edges) {
      const audience = fanOut.audienceFor(conversation, edge);
      if (audience !== undefined) edge.send({ t: 'typing', audience: audience.no, convId, userId, active });
    }
  }

  async #pull(edge: EdgePeer, conversation: Conversation, fromSeq: Seq, toSeq: Seq): Promise<void> {
    const { history, fanOut } = this.#parts;
    const last = Math.min(toSeq, conversation.head.seq);
    if (fromSeq > last) return;
    fanOut.repeat(conversation, edge, await history.stored(conversation, fromSeq, last));
  }

  /** With the conversation loaded. What a store that can't be read keeps from an edge, the edge asks for again. */
  #held(convId: ConvId, use: (conversation: Conversation) => void | Promise<void>): void {
    if (this.#parts.owns(convId)) this.#use(convId, use);
  }

  /** Like `held`, also where another node is the owner by now and this one has not let go yet: what it committed is its to tell. */
  #known(convId: ConvId, use: (conversation: Conversation) => void | Promise<void>): void {
    if (this.#parts.hot.get(convId)?.exists === true) this.#use(convId, use);
    else this.#held(convId, use);
  }

  #use(convId: ConvId, use: (conversation: Conversation) => void | Promise<void>): void {
    const { hot, bug } = this.#parts;
    hot.with(convId, use).catch((error) => {
      if (!(error instanceof StoreError)) bug(error);
    });
  }

  #sessionDown(edge: EdgePeer, session: number): void {
    const { presence, fanOut, clock } = this.#parts;
    const gone = presence.down(edge, session, clock.wallMs());
    if (gone !== undefined) fanOut.userGone(edge, gone);
  }

  #down(edge: EdgePeer): void {
    const { presence, fanOut, clock } = this.#parts;
    edge.isDown = true;
    presence.edges.delete(edge);
    this.#parts.acks.gone(edge);
    presence.unwatch(edge, [...edge.watched]);
    for (const [no, session] of [...edge.sessions]) {
      // The edge has refused all that it waited for. Its clients send it again, by now perhaps to another owner.
      session.close();
      presence.down(edge, no, clock.wallMs());
    }
    fanOut.edgeGone(edge);
    if (edge.complete) this.#told();
  }

  /** Which edges have told of all their sessions. */
  #told(): void {
    const { presence, joining } = this.#parts;
    const complete = [...presence.edges].filter((edge) => edge.complete);
    joining?.told(complete.map(({ nodeId }) => nodeId));
  }
}
