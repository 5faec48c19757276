import type { Failpoints } from '../core/failpoint.ts';
import { Fault, toFault } from '../core/fault.ts';
import type { Clock } from '../core/clock.ts';
import type { ConvId, MsgId, Seq, UserId } from '../core/ids.ts';
import { traceNowMs } from '../core/trace-clock.ts';
import type { Span } from '../core/span.ts';
import type { Tracer } from '../core/tracer.ts';
import type { GroupChange } from '../peer/edge-frames.ts';
import type { MemberRow, MessageStore, StoredEntry } from '../ports/message-store.ts';
import { ClientKeys } from './client-key.ts';
import { isMadeBy, reusedFault } from './client-id-use.ts';
import type { Conversation } from './conversation.ts';
import type { CursorBook } from './cursor-book.ts';
import type { Draft } from './draft.ts';
import type { EpochWatch } from './epoch-watch.ts';
import type { EventFeed } from './event-feed.ts';
import type { FanOut } from './fan-out.ts';
import type { FenceEvents } from './fence-events.ts';
import type { GroupDesk } from './group-desk.ts';
import type { History } from './history.ts';
import type { HotConversations } from './hot-conversations.ts';
import type { HotRates } from './hot-rates.ts';
import { Lane, type LaneLimits } from './lane.ts';
import type { MessageMeters } from './meters.ts';
import { storeFault } from './store-fault.ts';
import type { ChainLink, Intent, Settlement } from './submission.ts';
import { noteUnsure, toldFrom } from './take-over.ts';
import type { TracedEntries } from './batch-trace.ts';

export interface OwnerParts {
  readonly store: MessageStore;
  readonly hot: HotConversations;
  readonly clock: Clock;
  readonly ids: { next(): MsgId };
  readonly fanOut: FanOut;
  readonly cursors: CursorBook;
  readonly history: History;
  readonly groups: GroupDesk;
  readonly meters: MessageMeters;
  readonly fences: FenceEvents;
  readonly epochs: EpochWatch;
  readonly limits: LaneLimits;
  /** Where what was committed is told; undefined where nobody consumes it. */
  readonly feed: EventFeed | undefined;
  readonly failpoints: Failpoints | undefined;
  readonly tracer: Tracer | undefined;
  /** This node has hung, and that has not been dealt with yet. */
  stalled(): boolean;
  owns(convId: ConvId): boolean;
  /** Told of what is committed where. */
  readonly rates: Pick<HotRates, 'add'>;
  /** An error that nobody's command may cause. */
  bug(error: unknown): void;
}

export interface SubmitRequest {
  readonly convId: ConvId;
  readonly sender: UserId;
  readonly clientId: string;
  readonly chain: ChainLink | undefined;
  readonly intent: Intent;
  /** Of a sampled command. */
  readonly span?: Span | undefined;
}

/** Who wants a group changed, and by which command. */
export interface ChangeBy {
  readonly actor: UserId;
  readonly clientId: string;
  readonly span?: Span | undefined;
}

/** How often a decision is taken again because its preconditions no longer hold. */
const maxDecisions = 8;

/** Owns conversations: all that writes to their logs passes here. */
export class Owner {
  readonly #parts: OwnerParts;
  readonly #keys: ClientKeys;
  readonly #lane: Lane;
  /** What is being forwarded of what other owners have written. */
  readonly #learning = new Map<Conversation, { next: Seq; last: Seq }>();
  #stopping = false;

  constructor(parts: OwnerParts) {
    this.#parts = parts;
    this.#keys = new ClientKeys(parts.store.clientKeySecret);
    const { store, hot, clock, ids, meters, limits, failpoints, bug } = parts;
    this.#lane = new Lane({
      store,
      hot,
      draws: { nextId: () => ids.next(), nowMs: () => clock.wallMs() },
      limits,
      beforeFanOut: () => failpoints?.hit('beforeFanout'),
      committed: (conversation, draft, entries, traced) => {
        parts.rates.add(conversation.convId, entries.length);
        this.#committed(conversation, draft, entries, traced);
      },
      batchCommitted: (entries, batchId) => {
        meters.batch(entries);
        parts.feed?.batch(batchId);
      },
      uncertain: (batchId) => parts.feed?.uncertain(batchId),
      fenceLost: (convId) => parts.fences.lost(convId),
      stalled: parts.stalled,
      owns: parts.owns,
      epochLost: () => void parts.epochs.look(),
      pause: (attempt) => this.#pause(attempt),
      monotonicMs: () => clock.monotonicMs(),
      rest: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      tracer: parts.tracer,
      bug,
    });
  }

  get queuedBytes(): number {
    return this.#lane.queuedBytes;
  }

  idle(): Promise<void> {
    return this.#lane.idle();
  }

  /** Whatever waits for a store that doesn't answer is given up. */
  stop(): void {
    this.#stopping = true;
  }

  async #pause(attempt: number): Promise<boolean> {
    const ms = Math.min(50 * 2 ** attempt, 1_000);
    if (!this.#stopping) await new Promise((resolve) => setTimeout(resolve, ms));
    return !this.#stopping;
  }

  submit(request: SubmitRequest, settle: (settlement: Settlement) => void): void {
    const { convId, sender, clientId, chain, intent, span } = request;
    const bytes = 256 + (intent.t === 'send' ? intent.content.length : 0);
    const clientKey = clientId === '' ? undefined : this.#keys.of(sender, clientId);
    this.#lane.submit({
      convId,
      sender,
      clientKey,
      chain,
      intent,
      bytes,
      settle,
      trace: span && { span, queuedAtMs: traceNowMs() },
      known: undefined,
      attempts: 0,
    });
  }

  /**
   * Entries that another owner has written were found when a conversation was read again. Whoever owns it now forwards
   * them, for their writer may be dead. A node that has merely read of them does not: its word would count at the edges,
   * since it has read as far as the owner, whose next entry would then cost each of them a question, and all of what was
   * written since its last look would be sent once more.
   */
  learned(conversation: Conversation, oldHead: Seq): void {
    const { owns, clock, fanOut, bug } = this.#parts;
    const fromSeq = toldFrom(clock, conversation, oldHead + 1);
    if (owns(conversation.convId)) {
      void this.#learned(conversation, fromSeq).catch(bug);
      return;
    }
    noteUnsure(clock, conversation, fromSeq);
    // What it told before it knew of them is out of date.
    fanOut.evicted(conversation);
  }

  /** The id of a group that the user makes without naming one: the same for the same client id. */
  groupId(actor: UserId, clientId: string): ConvId {
    return `g${Buffer.from(this.#keys.of(actor, clientId), 'latin1').toString('hex')}` as ConvId;
  }

  /** Changes a group: decided by a group node on the rules as they are, committed here if they still are so then. */
  async changeGroup(groupId: ConvId, change: GroupChange, by: ChangeBy): Promise<Settlement> {
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await this.#decideAndCommit(groupId, change, by);
      if (outcome.t !== 'stale' || attempt === maxDecisions) return outcome;
    }
  }

  async #decideAndCommit(groupId: ConvId, change: GroupChange, by: ChangeBy): Promise<Settlement> {
    const { hot, groups } = this.#parts;
    const { actor, clientId, span } = by;
    return hot.with(groupId, async (conversation): Promise<Settlement> => {
      const earlier = await this.#madeBefore(conversation, change, by);
      if (earlier !== undefined) return earlier;
      const version = conversation.group?.version;
      try {
        const decision = await groups.decide(conversation, actor, change, span?.context);
        if (decision.entries.length === 0) {
          // It is so by the rules that are known here; somebody may have changed them.
          const unchecked = await this.#recheck(groupId, actor);
          return unchecked ?? (conversation.group?.version === version ? nothingToDo : { t: 'stale' });
        }
        return await this.#settled(groupId, by, { t: 'decision', decision, clientId });
      } catch (error) {
        if (!(error instanceof Fault)) this.#parts.bug(error);
        const fault = toFault(error);
        const unchecked = fault.spec.retry === 'never' ? await this.#recheck(groupId, actor) : undefined;
        // Refused on rules that have changed since: that says nothing.
        return (
          unchecked ?? (conversation.group?.version === version ? { t: 'refused', fault } : { t: 'stale' })
        );
      }
    });
  }

  /** Has the rules confirmed. Gives why that could not be done, to be tried again. */
  async #recheck(groupId: ConvId, actor: UserId): Promise<Settlement | undefined> {
    const settlement = await this.#settled(groupId, { actor, clientId: '' }, { t: 'recheck' });
    const isUnchecked = settlement.t === 'refused' && settlement.fault.spec.retry !== 'never';
    return isUnchecked ? settlement : undefined;
  }

  #settled(convId: ConvId, { actor: sender, clientId, span }: ChangeBy, intent: Intent): Promise<Settlement> {
    return new Promise((resolve) => {
      this.submit({ convId, sender, clientId, chain: undefined, intent, span }, resolve);
    });
  }

  /** A repeated command is answered by its entry, whatever a group node would say of it now. */
  async #madeBefore(
    conversation: Conversation,
    change: GroupChange,
    { actor, clientId }: ChangeBy,
  ): Promise<Settlement | undefined> {
    if (clientId === '' || conversation.convNo === undefined) return undefined;
    const key = this.#keys.of(actor, clientId);
    try {
      const [found] = await this.#parts.store.findClientKeys(conversation.convNo, [key]);
      if (found === undefined) return undefined;
      if (!isMadeBy(change, found.kind)) return { t: 'refused', fault: reusedFault() };
      const { seq, msgId, createdAtMs } = found;
      return { t: 'committed', seq, msgId, createdAtMs, duplicate: true };
    } catch (error) {
      return { t: 'refused', fault: storeFault(error) };
    }
  }

  #committed(
    conversation: Conversation,
    draft: Draft,
    entries: readonly StoredEntry[],
    traced: TracedEntries | undefined,
  ): void {
    const { fanOut, cursors, groups, feed, epochs, store } = this.#parts;
    epochs.committed(conversation.head.msgId, store.epoch);
    fanOut.forward(conversation, entries, draft.members, traced);
    if (!this.#learning.has(conversation)) fanOut.forgetLeavers(conversation);
    feed?.committed(conversation.convId, entries, traced);
    for (const entry of entries) {
      if (entry.kind !== 'message') continue;
      const sender = entry.sender as UserId;
      if (conversation.present(sender) !== undefined) {
        cursors.raise(conversation, sender, {
          deliveredSeq: entry.seq,
          readSeq: entry.seq,
          readOrd: entry.ord,
        });
      }
    }
    if (draft.group !== undefined && draft.groupChanged) {
      groups.committed(conversation.convId, conversation.head.seq, draft.group.version);
    }
  }

  async #learned(conversation: Conversation, fromSeq: Seq): Promise<void> {
    const { fanOut, hot } = this.#parts;
    const running = this.#learning.get(conversation);
    // Those who left with these entries must still hear of it, and the lane may forward later ones meanwhile.
    fanOut.reset(conversation, running?.next ?? fromSeq);
    if (running !== undefined) {
      running.last = conversation.head.seq;
      return;
    }
    const range = { next: fromSeq, last: conversation.head.seq };
    this.#learning.set(conversation, range);
    conversation.pins += 1;
    try {
      await this.#forwardLearned(conversation, range);
    } finally {
      this.#learning.delete(conversation);
      hot.release([conversation]);
    }
  }

  async #forwardLearned(conversation: Conversation, range: { next: Seq; last: Seq }): Promise<void> {
    const { fanOut, history } = this.#parts;
    for (let attempt = 1; range.next <= range.last && !conversation.void; ) {
      const to = Math.min(range.next + 999, range.last);
      const entries = await history.stored(conversation, range.next, to).catch(() => []);
      if (entries.length > 0) {
        fanOut.forward(conversation, entries, noChanges);
        range.next += entries.length;
        attempt = 1;
      } else if (!(await this.#pause((attempt += 1)))) return;
    }
    fanOut.forgetLeavers(conversation);
  }
}

const noChanges: ReadonlyMap<UserId, MemberRow> = new Map();
const nothingToDo: Settlement = { t: 'committed', seq: 0, msgId: 0n, createdAtMs: 0, duplicate: false };
