import { type Fault, toFault } from '../core/fault.ts';
import type { Clock } from '../core/clock.ts';
import type { ConvId, MsgId, Seq, UserId } from '../core/ids.ts';
import type { GroupChange } from '../peer/edge-frames.ts';
import type { MemberRow, MessageStore, StoredEntry } from '../ports/message-store.ts';
import { ClientKeys } from './client-key.ts';
import type { Conversation } from './conversation.ts';
import type { CursorBook } from './cursor-book.ts';
import type { Draft } from './draft.ts';
import type { FanOut } from './fan-out.ts';
import type { GroupDesk } from './group-desk.ts';
import type { History } from './history.ts';
import type { HotConversations } from './hot-conversations.ts';
import { Lane, type LaneLimits, storeFault } from './lane.ts';
import type { MessageMeters } from './meters.ts';
import { RefusedChains } from './refused-chains.ts';
import type { ChainLink, Intent, Settlement } from './submission.ts';

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
  readonly limits: LaneLimits;
}

export interface SubmitRequest {
  readonly convId: ConvId;
  readonly sender: UserId;
  readonly clientId: string;
  readonly chain: ChainLink | undefined;
  readonly intent: Intent;
}

/** How often a decision is taken again because its preconditions no longer hold. */
const maxDecisions = 8;

/** Owns conversations: all that writes to their logs passes here. */
export class Owner {
  readonly #parts: OwnerParts;
  readonly #keys: ClientKeys;
  readonly #lane: Lane;
  readonly chains = new RefusedChains();

  constructor(parts: OwnerParts) {
    this.#parts = parts;
    this.#keys = new ClientKeys(parts.store.clientKeySecret);
    this.#lane = new Lane({
      store: parts.store,
      hot: parts.hot,
      draws: { nextId: () => parts.ids.next(), nowMs: () => parts.clock.wallMs() },
      chains: this.chains,
      limits: parts.limits,
      committed: (conversation, draft, entries) => this.#committed(conversation, draft, entries),
      learned: (conversation, oldHead) => void this.#learned(conversation, oldHead),
      batchCommitted: (entries) => parts.meters.batch(entries),
      fenceLost: () => {
        parts.meters.fenceLost += 1;
      },
      pause: (attempt) =>
        new Promise((resolve) => setTimeout(resolve, Math.min(50 * 2 ** attempt, 1_000)).unref()),
    });
  }

  get queuedBytes(): number {
    return this.#lane.queuedBytes;
  }

  idle(): Promise<void> {
    return this.#lane.idle();
  }

  submit(request: SubmitRequest, settle: (settlement: Settlement) => void): void {
    const { convId, sender, clientId, chain, intent } = request;
    const bytes = 256 + (intent.t === 'send' ? intent.content.byteLength : 0);
    const clientKey = clientId === '' ? undefined : this.#keys.of(sender, clientId);
    this.#lane.submit({
      convId,
      sender,
      clientKey,
      chain,
      intent,
      bytes,
      settle,
      known: undefined,
      attempts: 0,
    });
  }

  /** Changes a group: decided by a group node on the rules as they are, committed here if they still are so then. */
  async changeGroup(
    groupId: ConvId,
    actor: UserId,
    clientId: string,
    change: GroupChange,
  ): Promise<Settlement> {
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await this.#decideAndCommit(groupId, actor, clientId, change);
      if (outcome.t !== 'stale' || attempt === maxDecisions) return outcome;
    }
  }

  async #decideAndCommit(
    groupId: ConvId,
    actor: UserId,
    clientId: string,
    change: GroupChange,
  ): Promise<Settlement> {
    const { hot, groups } = this.#parts;
    return hot.with(groupId, async (conversation): Promise<Settlement> => {
      const earlier = await this.#madeBefore(conversation, actor, clientId);
      if (earlier !== undefined) return earlier;
      let fault: Fault;
      try {
        const decision = await groups.decide(conversation, actor, change);
        if (decision.entries.length === 0) return nothingToDo;
        return await new Promise((resolve) => {
          const intent: Intent = { t: 'decision', decision, clientId };
          this.submit({ convId: groupId, sender: actor, clientId, chain: undefined, intent }, resolve);
        });
      } catch (error) {
        fault = toFault(error);
      }
      return { t: 'refused', fault };
    });
  }

  /** A repeated command is answered by its entry, whatever a group node would say of it now. */
  async #madeBefore(
    conversation: Conversation,
    actor: UserId,
    clientId: string,
  ): Promise<Settlement | undefined> {
    if (clientId === '' || conversation.convNo === undefined) return undefined;
    const key = this.#keys.of(actor, clientId);
    try {
      const [found] = await this.#parts.store.findClientKeys(conversation.convNo, [key]);
      if (found === undefined) return undefined;
      const { seq, msgId, createdAtMs } = found;
      return { t: 'committed', seq, msgId, createdAtMs, duplicate: true };
    } catch (error) {
      return { t: 'refused', fault: storeFault(error) };
    }
  }

  #committed(conversation: Conversation, draft: Draft, entries: readonly StoredEntry[]): void {
    const { fanOut, cursors, groups } = this.#parts;
    fanOut.forward(conversation, entries, draft.members);
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
    if (draft.group !== undefined && draft.members.size > 0) {
      groups.committed(conversation.convId, conversation.head.seq, draft.group.version);
    }
  }

  /** Another owner wrote entries: whoever learns of them forwards them, for their writer may be dead. */
  async #learned(conversation: Conversation, oldHead: Seq): Promise<void> {
    const { fanOut, history } = this.#parts;
    fanOut.reset(conversation);
    const last = conversation.head.seq;
    for (let from = oldHead + 1; from <= last; from += 1_000) {
      const entries = await history.stored(conversation, from, Math.min(from + 999, last)).catch(() => []);
      fanOut.forward(conversation, entries, noChanges);
    }
  }
}

const noChanges: ReadonlyMap<UserId, MemberRow> = new Map();
const nothingToDo: Settlement = { t: 'committed', seq: 0, msgId: 0n, createdAtMs: 0, duplicate: false };
