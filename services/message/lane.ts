import { Fault } from '../core/fault.ts';
import type { ConvId, Seq } from '../core/ids.ts';
import { type CommitOutcome, StoreError, type StoredEntry } from '../ports/message-store.ts';
import type { Conversation } from './conversation.ts';
import type { Draft } from './draft.ts';
import type { Evaluation, RuleLimits } from './evaluate.ts';
import { Judge, type JudgeHost, type Share } from './judge.ts';
import { storeFault } from './store-fault.ts';
import type { Settlement, Submission } from './submission.ts';
import { type Pause, writeBatch } from './write-batch.ts';

export interface LaneLimits extends RuleLimits {
  /** Bytes of submissions waiting, at most. */
  readonly queueBytes: number;
  readonly batchEntries: number;
  readonly batchBytes: number;
  /** While batches are large, the pause after one, in which the next gathers more; 0: none. */
  readonly gatherMs: number;
}

/** What a lane needs and tells. */
export interface LaneHost extends JudgeHost {
  readonly limits: LaneLimits;
  /** The outcome is known, nobody has been told. */
  beforeFanOut(): Promise<void> | undefined;
  /** After the commit, before the submissions are settled. */
  committed(conversation: Conversation, draft: Draft, entries: readonly StoredEntry[]): void;
  /** Once for each batch, after `committed` of its conversations. */
  batchCommitted(entries: number, batchId: bigint): void;
  /** A batch may have been committed, and nobody will find out here. */
  uncertain(batchId: bigint): void;
  fenceLost(): void;
  /** The process has hung for so long that somebody else may have been asked for what waits here. */
  stalled(): boolean;
  /** Whether this node still owns a conversation. */
  owns(convId: ConvId): boolean;
  /** The store has another epoch than the one that a batch was made under. */
  epochLost(): void;
  readonly pause: Pause;
}

const maxAttempts = 30;
/** Submissions from which on a batch is a large one. */
const largeBatch = 32;

/**
 * Group commit: one batch is in the store's hands while the next one fills, so batches grow with the load by
 * themselves. Under a high load a short pause lets them grow further (PostgreSQL's commit_delay and commit_siblings):
 * what a commit costs is shared by more, and nobody waits longer than for one commit more. All checks are made when a
 * batch closes, after the outcome of the one before is known.
 */
export class Lane {
  readonly #host: LaneHost;
  readonly #judge: Judge;
  #queue: Submission[] = [];
  #queuedBytes = 0;
  #running: Promise<void> | undefined;
  /** Under which the batch under way was begun. */
  #epoch = '';
  /** Of the batch under way: what goes back to the front of the queue, in order. */
  #returned: Submission[] = [];

  constructor(host: LaneHost) {
    this.#host = host;
    this.#judge = new Judge(host);
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
        // A bug; nobody may wait for ever because of it. Who was answered already isn't listening any more.
        this.#host.bug(error);
        this.#refuseAll(batch, storeFault(error));
        this.#returned = [];
      }
      if (batch.length >= largeBatch) await this.#gather();
    }
    this.#running = undefined;
  }

  async #gather(): Promise<void> {
    const { gatherMs, batchEntries } = this.#host.limits;
    if (gatherMs > 0 && this.#queue.length < batchEntries)
      await new Promise<void>((resolve) => setTimeout(resolve, gatherMs));
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
    if (this.#host.stalled()) {
      const message = 'the node has hung, and another one has been asked by now';
      this.#refuseAll(batch, new Fault('notOwner', { message, retryAfterMs: 50 }));
      return;
    }
    const byConversation = new Map<ConvId, Submission[]>();
    for (const submission of this.#inTurn(batch)) {
      const mates = byConversation.get(submission.convId);
      if (mates === undefined) byConversation.set(submission.convId, [submission]);
      else mates.push(submission);
    }
    for (const [convId, submissions] of byConversation) {
      if (this.#host.owns(convId)) continue;
      byConversation.delete(convId);
      const message = 'another node owns this conversation by now';
      this.#refuseAll(submissions, new Fault('notOwner', { message, retryAfterMs: 50 }));
    }
    if (byConversation.size === 0) return;
    // What is read from here on is of this epoch, or the store refuses what is built on it.
    this.#epoch = this.#host.store.epoch;
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
    for (const conversation of held) conversation.writing = true;
    try {
      await this.#carryOut(shares);
    } finally {
      for (const conversation of held) conversation.writing = false;
      this.#host.hot.release(held);
    }
    const returned = this.#returned;
    this.#returned = [];
    this.#queue.unshift(...returned);
    for (const submission of returned) this.#queuedBytes += submission.bytes;
  }

  /** Without those that must not pass before an earlier one that was refused. */
  #inTurn(submissions: readonly Submission[]): Submission[] {
    return submissions.filter((submission) => {
      const { chain, convId } = submission;
      if (chain?.refused.refuses(convId, chain.number) !== true) return true;
      const message = 'an earlier send was refused: send it again first';
      this.#refuse(submission, new Fault('outOfOrder', { message }));
      return false;
    });
  }

  async #carryOut(shares: readonly Share[]): Promise<void> {
    let evaluations: Evaluation[];
    try {
      evaluations = await this.#judge.evaluate(shares);
    } catch (error) {
      this.#refuseAll(allOf(shares), storeFault(error));
      return;
    }
    const writing: { readonly share: Share; readonly evaluation: Evaluation }[] = [];
    for (const [index, evaluation] of evaluations.entries()) {
      if (evaluation.draft.entries.length > 0) writing.push({ share: shares[index] as Share, evaluation });
      else this.#settle(evaluation);
    }
    if (writing.length === 0) return;
    let outcomes: readonly CommitOutcome[];
    let batchId = 0n;
    try {
      batchId = this.#host.draws.nextId();
      outcomes = await this.#commit(
        batchId,
        writing.map(({ evaluation }) => evaluation.draft),
      );
    } catch (error) {
      // Of another epoch may be what was written before the restore, and whose answer was lost.
      if (error instanceof StoreError && (error.kind === 'unknown' || error.kind === 'epoch'))
        this.#host.uncertain(batchId);
      await this.#voided(
        writing.map(({ share }) => share),
        error,
      );
      return;
    }
    await this.#conclude(
      batchId,
      writing.map(({ evaluation }) => evaluation),
      outcomes,
    );
  }

  #commit(batchId: bigint, drafts: readonly Draft[]): Promise<readonly CommitOutcome[]> {
    const { store, pause } = this.#host;
    const conversations = drafts.map((draft) => draft.toCommit());
    return writeBatch(store, { epoch: this.#epoch, batchId, conversations }, pause);
  }

  /** Nothing of the batch was written. One that can't be written is halved until the culprit is alone. */
  async #voided(shares: readonly Share[], error: unknown): Promise<void> {
    if (error instanceof StoreError && error.kind === 'epoch') this.#host.epochLost();
    if (!(error instanceof StoreError && error.kind === 'rejected')) {
      if (!(error instanceof StoreError || error instanceof Fault)) this.#host.bug(error);
      this.#refuseAll(allOf(shares), storeFault(error));
      return;
    }
    const [only] = shares;
    if (only === undefined) return;
    if (shares.length > 1) {
      for (const half of halves(shares)) await this.#carryOut(half);
      return;
    }
    const { conversation, submissions } = only;
    if (submissions.length === 1) {
      const message = 'the store refuses this entry';
      this.#refuseAll(submissions, new Fault('notStorable', { message, cause: error }));
      return;
    }
    for (const half of halves(submissions)) await this.#carryOutLater(conversation, half);
  }

  /** What comes after others of its conversation: behind those that went back, and refused with those it follows. */
  async #carryOutLater(conversation: Conversation, submissions: readonly Submission[]): Promise<void> {
    if (this.#returned.some(({ convId }) => convId === conversation.convId)) {
      this.#returned.push(...submissions);
      return;
    }
    const passing = this.#inTurn(submissions);
    if (passing.length > 0) await this.#carryOut([{ conversation, submissions: passing }]);
  }

  async #conclude(
    batchId: bigint,
    writing: readonly Evaluation[],
    outcomes: readonly CommitOutcome[],
  ): Promise<void> {
    await this.#host.beforeFanOut();
    const again: Submission[] = [];
    const overtaken: Conversation[] = [];
    let committed = 0;
    let isDoubtful = false;
    for (const [index, evaluation] of writing.entries()) {
      const outcome = outcomes[index] as CommitOutcome;
      if (evaluation.draft.base.void) {
        // Whether the store that was restored has it, nobody knows.
        const fault = storeFault(new StoreError('epoch', 'the store was restored meanwhile'));
        isDoubtful = true;
        for (const { submission } of evaluation.verdicts) this.#refuse(submission, fault);
        continue;
      }
      if (outcome.t === 'committed') {
        committed += evaluation.draft.entries.length;
        this.#committed(evaluation.draft);
        this.#settle(evaluation);
        continue;
      }
      if (outcome.t === 'fenced') {
        this.#host.fenceLost();
        overtaken.push(evaluation.draft.base);
      }
      const known = new Map(outcome.duplicates.map((duplicate) => [duplicate.clientKey, duplicate]));
      for (const { submission } of evaluation.verdicts) {
        if (submission.clientKey !== undefined) submission.known ??= known.get(submission.clientKey);
        again.push(submission);
      }
    }
    if (committed > 0) this.#host.batchCommitted(committed, batchId);
    if (isDoubtful) this.#host.uncertain(batchId);
    const lost = await this.#readAgain(overtaken);
    this.#putBack(again, lost);
  }

  /** Whatever goes wrong behind it: what is committed is how things are, and is answered. */
  #committed(draft: Draft): void {
    const entries = draft.apply();
    try {
      this.#host.committed(draft.base, draft, entries);
    } catch (error) {
      this.#host.bug(error);
    }
  }

  /** The heads and rules of conversations in which another owner was faster; those that can't be read now. */
  async #readAgain(overtaken: readonly Conversation[]): Promise<ReadonlySet<ConvId>> {
    const { hot, learned } = this.#host;
    const heads = overtaken.map((conversation) => conversation.head.seq);
    try {
      await hot.reload(overtaken);
    } catch {
      return new Set(overtaken.map(({ convId }) => convId));
    }
    for (const [index, conversation] of overtaken.entries()) {
      if (conversation.exists) learned(conversation, heads[index] as Seq);
    }
    return new Set();
  }

  #putBack(submissions: readonly Submission[], lost: ReadonlySet<ConvId>): void {
    for (const submission of submissions) {
      submission.attempts += 1;
      if (submission.attempts <= maxAttempts && !lost.has(submission.convId)) this.#returned.push(submission);
      else {
        const message = 'the conversation is contended';
        this.#refuse(submission, new Fault('overloaded', { message, retryAfterMs: 500 }));
      }
    }
  }

  #settle({ verdicts }: Evaluation): void {
    for (const { submission, settlement } of verdicts) {
      if (settlement.t === 'refused') this.#refuse(submission, settlement.fault);
      else this.#answer(submission, settlement);
    }
  }

  #refuse(submission: Submission, fault: Fault): void {
    const { chain, convId } = submission;
    if (fault.spec.retry !== 'never') chain?.refused.refuse(convId, chain.number);
    this.#answer(submission, { t: 'refused', fault });
  }

  #refuseAll(submissions: readonly Submission[], fault: Fault): void {
    for (const submission of submissions) this.#refuse(submission, fault);
  }

  #answer(submission: Submission, settlement: Settlement): void {
    try {
      submission.settle(settlement);
    } catch (error) {
      this.#host.bug(error);
    }
  }
}

function allOf(shares: readonly Share[]): readonly Submission[] {
  return shares.flatMap(({ submissions }) => submissions);
}

function halves<T>(items: readonly T[]): readonly [readonly T[], readonly T[]] {
  const middle = items.length >> 1;
  return [items.slice(0, middle), items.slice(middle)];
}
