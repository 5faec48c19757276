import { Fault } from '../core/fault.ts';
import type { ConvId, Seq } from '../core/ids.ts';
import {
  type CommitOutcome,
  type MessageStore,
  StoreError,
  type StoredEntry,
} from '../ports/message-store.ts';
import { keyText } from './client-key.ts';
import type { Conversation } from './conversation.ts';
import type { Draft, Draws } from './draft.ts';
import { type Evaluation, evaluate, type RuleLimits } from './evaluate.ts';
import type { HotConversations } from './hot-conversations.ts';
import type { RefusedChains } from './refused-chains.ts';
import type { Submission } from './submission.ts';

export interface LaneLimits extends RuleLimits {
  /** Bytes of submissions waiting, at most. */
  readonly queueBytes: number;
  readonly batchEntries: number;
  readonly batchBytes: number;
}

/** What a lane needs and tells. */
export interface LaneHost {
  readonly store: MessageStore;
  readonly hot: HotConversations;
  readonly draws: Draws;
  readonly chains: RefusedChains;
  readonly limits: LaneLimits;
  /** After the commit, before the submissions are settled. */
  committed(conversation: Conversation, draft: Draft, entries: readonly StoredEntry[]): void;
  /** Entries up to the new head that another owner wrote: they must be forwarded all the same. */
  learned(conversation: Conversation, oldHead: Seq): void;
  batchCommitted(entries: number): void;
  fenceLost(): void;
  /** Waits before a write whose outcome is unknown is made again. */
  pause(attempt: number): Promise<void>;
}

/** Conversations whose rules are read again in one batch before somebody is refused on them, at most. */
const maxConfirmed = 64;
const maxAttempts = 30;

interface Share {
  readonly conversation: Conversation;
  readonly submissions: readonly Submission[];
}

/**
 * Group commit: one batch is in the store's hands while the next one fills, so batches grow with the load by
 * themselves and no timer is needed. All checks are made when a batch closes, after the outcome of the one before is
 * known.
 */
export class Lane {
  readonly #host: LaneHost;
  #queue: Submission[] = [];
  #queuedBytes = 0;
  #running: Promise<void> | undefined;

  constructor(host: LaneHost) {
    this.#host = host;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Every submission is settled exactly once, also one that finds the queue full. */
  submit(submission: Submission): void {
    if (this.#queuedBytes + submission.bytes > this.#host.limits.queueBytes) {
      this.#refuse(
        submission,
        new Fault('overloaded', { message: 'too many commands wait', retryAfterMs: 200 }),
      );
      return;
    }
    this.#queue.push(submission);
    this.#queuedBytes += submission.bytes;
    this.#running ??= this.#run();
  }

  /** Resolves when nothing waits. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    // Whatever arrives in this turn of the event loop goes into the first batch.
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (this.#queue.length > 0) {
      const batch = this.#take();
      try {
        await this.#close(batch);
      } catch (error) {
        // A bug; nobody may wait for ever because of it. Settling again what is settled does nothing.
        this.#refuseAll(batch, storeFault(error));
      }
    }
    this.#running = undefined;
  }

  #take(): Submission[] {
    const { batchEntries, batchBytes } = this.#host.limits;
    let count = 0;
    let bytes = 0;
    while (count < this.#queue.length && count < batchEntries && bytes < batchBytes) {
      bytes += (this.#queue[count] as Submission).bytes;
      count += 1;
    }
    this.#queuedBytes -= bytes;
    return this.#queue.splice(0, count);
  }

  async #close(batch: readonly Submission[]): Promise<void> {
    const byConversation = new Map<ConvId, Submission[]>();
    for (const submission of batch) {
      if (this.#host.chains.refuses(submission.convId, submission.chain)) {
        this.#refuse(
          submission,
          new Fault('outOfOrder', { message: 'an earlier send was refused: send it again first' }),
        );
        continue;
      }
      const mates = byConversation.get(submission.convId);
      if (mates === undefined) byConversation.set(submission.convId, [submission]);
      else mates.push(submission);
    }
    let held: Conversation[];
    try {
      held = await this.#host.hot.acquire([...byConversation.keys()]);
    } catch (error) {
      this.#refuseAll([...byConversation.values()].flat(), storeFault(error));
      return;
    }
    const shares = held.map((conversation) => ({
      conversation,
      submissions: byConversation.get(conversation.convId) ?? [],
    }));
    await this.#carryOut(shares);
    this.#host.hot.release(held);
  }

  async #carryOut(shares: readonly Share[]): Promise<void> {
    let evaluations: Evaluation[];
    try {
      evaluations = await this.#evaluate(shares);
    } catch (error) {
      this.#refuseAll(
        shares.flatMap((share) => share.submissions),
        storeFault(error),
      );
      return;
    }
    const writing = evaluations.filter(({ draft }) => draft.entries.length > 0);
    for (const evaluation of evaluations) if (evaluation.draft.entries.length === 0) this.#settle(evaluation);
    if (writing.length === 0) return;
    let outcomes: readonly CommitOutcome[];
    try {
      outcomes = await this.#commit(writing.map(({ draft }) => draft));
    } catch (error) {
      await this.#voided(
        shares.filter((share) => writing.some(({ draft }) => draft.base === share.conversation)),
        error,
      );
      return;
    }
    await this.#conclude(writing, outcomes);
  }

  /** Evaluates; before anybody is refused for good, rules that may be stale are read again. */
  async #evaluate(shares: readonly Share[]): Promise<Evaluation[]> {
    const { limits, draws } = this.#host;
    const contexts = new Map<Conversation, ReadonlyMap<Seq, StoredEntry>>();
    for (const share of shares) {
      if (share.submissions.some(({ intent }) => intent.t === 'recall')) {
        contexts.set(share.conversation, await this.#targets(share));
      }
    }
    const judge = ({ conversation, submissions }: Share): Evaluation =>
      evaluate(conversation, submissions, draws, {
        limits,
        nowMs: draws.nowMs(),
        targets: contexts.get(conversation) ?? noTargets,
      });
    const evaluations = shares.map(judge);
    const doubtful = shares.filter((_, index) => (evaluations[index] as Evaluation).refused.length > 0);
    if (doubtful.length === 0) return evaluations;
    const confirmed = new Set(doubtful.slice(0, maxConfirmed));
    await this.#confirm([...confirmed], evaluations);
    return shares.map((share, index) => {
      const evaluation = evaluations[index] as Evaluation;
      if (confirmed.has(share)) return judge(share);
      return evaluation.refused.length > 0 ? postponed(evaluation) : evaluation;
    });
  }

  /** Reads rules again, and whether the refused commands made their entries long ago. */
  async #confirm(shares: readonly Share[], evaluations: readonly Evaluation[]): Promise<void> {
    const { hot, store } = this.#host;
    const heads = new Map(shares.map(({ conversation }) => [conversation, conversation.head.seq]));
    await hot.reload(shares.map(({ conversation }) => conversation));
    for (const { draft, refused } of evaluations) {
      const conversation = draft.base;
      const oldHead = heads.get(conversation);
      if (oldHead === undefined || conversation.convNo === undefined) continue;
      if (conversation.head.seq > oldHead) this.#host.learned(conversation, oldHead);
      const asked = refused.filter((submission) => submission.clientKey !== undefined);
      const keys = asked.map((submission) => submission.clientKey as Uint8Array);
      if (keys.length === 0) continue;
      const found = new Map(
        (await store.findClientKeys(conversation.convNo, keys)).map((d) => [keyText(d.clientKey), d]),
      );
      for (const submission of asked)
        submission.known = found.get(keyText(submission.clientKey as Uint8Array));
    }
  }

  async #targets({ conversation, submissions }: Share): Promise<ReadonlyMap<Seq, StoredEntry>> {
    const targets = new Map<Seq, StoredEntry>();
    for (const { intent } of submissions) {
      if (intent.t !== 'recall' || conversation.convNo === undefined) continue;
      if (intent.seq > conversation.head.seq || conversation.recent.get(intent.seq) !== undefined) continue;
      const [entry] = await this.#host.store.range(conversation.convNo, intent.seq, intent.seq, 1, false);
      if (entry !== undefined) targets.set(entry.seq, entry);
    }
    return targets;
  }

  /** Commits, and where it isn't known whether the commit happened, makes the identical write until it is. */
  async #commit(drafts: readonly Draft[]): Promise<readonly CommitOutcome[]> {
    const { store, draws } = this.#host;
    const batch = {
      epoch: store.epoch,
      batchId: draws.nextId(),
      conversations: drafts.map((draft) => draft.toCommit()),
    };
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await store.commit(batch);
      } catch (error) {
        if (!(error instanceof StoreError && error.kind === 'unknown')) throw error;
        await this.#host.pause(attempt);
      }
    }
  }

  /** Nothing of the batch was written. One that can't be written is halved until the culprit is alone. */
  async #voided(shares: readonly Share[], error: unknown): Promise<void> {
    if (!(error instanceof StoreError && error.kind === 'rejected')) {
      this.#refuseAll(
        shares.flatMap((share) => share.submissions),
        storeFault(error),
      );
      return;
    }
    for (const half of halves(shares)) await this.#carryOut(half);
    const [only] = shares;
    if (shares.length > 1 || only === undefined) return;
    if (only.submissions.length === 1) {
      this.#refuseAll(
        only.submissions,
        new Fault('notStorable', { message: 'the store refuses this entry', cause: error }),
      );
      return;
    }
    for (const submissions of halves(only.submissions)) {
      await this.#carryOut([{ conversation: only.conversation, submissions }]);
    }
  }

  async #conclude(writing: readonly Evaluation[], outcomes: readonly CommitOutcome[]): Promise<void> {
    const again: Submission[] = [];
    const overtaken: Conversation[] = [];
    let committed = 0;
    for (const [index, evaluation] of writing.entries()) {
      const outcome = outcomes[index] as CommitOutcome;
      if (outcome.t === 'committed') {
        committed += evaluation.draft.entries.length;
        this.#host.committed(evaluation.draft.base, evaluation.draft, evaluation.draft.apply());
        this.#settle(evaluation);
        continue;
      }
      if (outcome.t === 'fenced') {
        this.#host.fenceLost();
        overtaken.push(evaluation.draft.base);
      }
      const known = new Map(outcome.duplicates.map((duplicate) => [keyText(duplicate.clientKey), duplicate]));
      for (const { submission } of evaluation.verdicts) {
        if (submission.clientKey !== undefined) submission.known ??= known.get(keyText(submission.clientKey));
        again.push(submission);
      }
    }
    if (committed > 0) this.#host.batchCommitted(committed);
    const lost = await this.#readAgain(overtaken);
    this.#putBack(again, lost);
  }

  /** The heads and rules of conversations in which another owner was faster; those that can't be read now. */
  async #readAgain(overtaken: readonly Conversation[]): Promise<ReadonlySet<Conversation>> {
    const heads = overtaken.map((conversation) => conversation.head.seq);
    try {
      await this.#host.hot.reload(overtaken);
    } catch {
      return new Set(overtaken);
    }
    for (const [index, conversation] of overtaken.entries()) {
      if (conversation.exists) this.#host.learned(conversation, heads[index] as Seq);
    }
    return new Set();
  }

  #putBack(submissions: readonly Submission[], lost: ReadonlySet<Conversation>): void {
    const unreadable = new Set([...lost].map((conversation) => conversation.convId));
    const back: Submission[] = [];
    for (const submission of submissions) {
      submission.attempts += 1;
      if (submission.attempts > maxAttempts || unreadable.has(submission.convId)) {
        this.#refuse(
          submission,
          new Fault('overloaded', { message: 'the conversation is contended', retryAfterMs: 500 }),
        );
      } else back.push(submission);
    }
    this.#queue.unshift(...back);
    for (const submission of back) this.#queuedBytes += submission.bytes;
  }

  #settle({ verdicts }: Evaluation): void {
    for (const { submission, settlement } of verdicts) {
      if (settlement.t === 'refused') this.#refuse(submission, settlement.fault);
      else submission.settle(settlement);
    }
  }

  #refuse(submission: Submission, fault: Fault): void {
    if (fault.spec.retry !== 'never') this.#host.chains.refuse(submission.convId, submission.chain);
    submission.settle({ t: 'refused', fault });
  }

  #refuseAll(submissions: readonly Submission[], fault: Fault): void {
    for (const submission of submissions) this.#refuse(submission, fault);
  }
}

const noTargets: ReadonlyMap<Seq, StoredEntry> = new Map();

function halves<T>(items: readonly T[]): readonly (readonly T[])[] {
  if (items.length < 2) return [];
  const middle = items.length >> 1;
  return [items.slice(0, middle), items.slice(middle)];
}

/** Refusals on rules that could not be read again in time become retries, and so does everything behind them. */
function postponed({ draft, verdicts }: Evaluation): Evaluation {
  const fault = new Fault('overloaded', { message: 'too many refusals to check at once', retryAfterMs: 500 });
  draft.entries.length = 0;
  return {
    draft,
    refused: [],
    verdicts: verdicts.map(({ submission }) => ({ submission, settlement: { t: 'refused', fault } })),
  };
}

/** What a client hears of a store that doesn't work. */
export function storeFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  if (!(error instanceof StoreError))
    return new Fault('internal', { message: 'internal error', cause: error });
  switch (error.kind) {
    case 'full':
      return new Fault('diskFull', {
        message: 'the disk is full: nothing new is taken',
        retryAfterMs: 1000,
        cause: error,
      });
    case 'epoch':
      return new Fault('epochChanged', { message: 'the store was restored: start over', cause: error });
    default:
      return new Fault('storeUnavailable', {
        message: 'the store is not available',
        retryAfterMs: 500,
        cause: error,
      });
  }
}
