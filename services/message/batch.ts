import { Fault } from '../core/fault.ts';
import type { ConvId } from '../core/ids.ts';
import type { Tracer } from '../core/tracer.ts';
import {
  type CommitBatch,
  type CommitOutcome,
  type CommitStep,
  StoreError,
  type StoredEntry,
} from '../ports/message-store.ts';
import { BatchTrace, type TracedEntries } from './batch-trace.ts';
import type { Conversation } from './conversation.ts';
import type { Draft } from './draft.ts';
import type { Evaluation } from './evaluate.ts';
import type { Judge, JudgeHost, Share } from './judge.ts';
import { answer, refuse, refuseAll } from './settle.ts';
import { storeFault } from './store-fault.ts';
import type { Submission } from './submission.ts';
import { type Pause, writeBatch } from './write-batch.ts';

/** What a batch needs and tells. */
export interface BatchHost extends JudgeHost {
  /** The outcome is known, nobody has been told. */
  beforeFanOut(): Promise<void> | undefined;
  /** After the commit, before the submissions are settled. */
  committed(
    conversation: Conversation,
    draft: Draft,
    entries: readonly StoredEntry[],
    traced: TracedEntries | undefined,
  ): void;
  /** Once for each batch, after `committed` of its conversations. */
  batchCommitted(entries: number, batchId: bigint): void;
  /** A batch may have been committed, and nobody will find out here. */
  uncertain(batchId: bigint): void;
  fenceLost(convId: ConvId): void;
  /** The process has hung for so long that somebody else may have been asked for what waits here. */
  stalled(): boolean;
  /** Whether this node still owns a conversation. */
  owns(convId: ConvId): boolean;
  /** The store has another epoch than the one that a batch was made under. */
  epochLost(): void;
  readonly pause: Pause;
  monotonicMs(): number;
  /** Undefined: nothing is traced. */
  readonly tracer?: Tracer | undefined;
}

const maxAttempts = 30;

/** One batch of a lane, from when it closes until all its submissions are settled or go back to the queue. */
export class Batch {
  readonly #host: BatchHost;
  readonly #judge: Judge;
  readonly #submissions: readonly Submission[];
  /** Where there is a sampled command in it. */
  readonly #trace: BatchTrace | undefined;
  /** Under which it was begun. */
  #epoch = '';
  /** What goes back to the front of the queue, in order. */
  #returned: Submission[] = [];

  constructor(host: BatchHost, judge: Judge, submissions: readonly Submission[]) {
    this.#host = host;
    this.#judge = judge;
    this.#submissions = submissions;
    this.#trace = BatchTrace.begin(host.tracer, submissions);
  }

  /** Resolves with what goes back to the front of the queue, in order; all others are settled. */
  async run(): Promise<readonly Submission[]> {
    try {
      await this.#close(this.#submissions);
      return this.#returned;
    } catch (error) {
      // A bug; nobody may wait for ever because of it. Who was answered already isn't listening any more.
      this.#host.bug(error);
      refuseAll(this.#host, this.#submissions, storeFault(error));
      return [];
    } finally {
      this.#trace?.end();
    }
  }

  async #close(batch: readonly Submission[]): Promise<void> {
    if (this.#host.stalled()) {
      const message = 'the node has hung, and another one has been asked by now';
      refuseAll(this.#host, batch, new Fault('notOwner', { message, retryAfterMs: 50 }));
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
      refuseAll(this.#host, submissions, new Fault('notOwner', { message, retryAfterMs: 50 }));
    }
    if (byConversation.size === 0) return;
    // What is read from here on is of this epoch, or the store refuses what is built on it.
    this.#epoch = this.#host.store.epoch;
    let held: Conversation[];
    const loading = this.#trace?.begin('conversations load', { 'parley.conversations': byConversation.size });
    try {
      held = await this.#host.hot.acquire([...byConversation.keys()]);
    } catch (error) {
      refuseAll(this.#host, [...byConversation.values()].flat(), storeFault(error));
      return;
    } finally {
      loading?.end();
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
  }

  /** Without those that must not pass before an earlier one that was refused. */
  #inTurn(submissions: readonly Submission[]): Submission[] {
    return submissions.filter((submission) => {
      const { chain, convId } = submission;
      if (chain?.refused.refuses(convId, chain.number) !== true) return true;
      const message = 'an earlier send was refused: send it again first';
      refuse(this.#host, submission, new Fault('outOfOrder', { message }));
      return false;
    });
  }

  async #carryOut(shares: readonly Share[]): Promise<void> {
    let evaluations: Evaluation[];
    const judging = this.#trace?.begin('evaluate');
    try {
      evaluations = await this.#judge.evaluate(shares);
    } catch (error) {
      refuseAll(this.#host, allOf(shares), storeFault(error));
      return;
    } finally {
      judging?.end();
    }
    const writing: { readonly share: Share; readonly evaluation: Evaluation }[] = [];
    for (const [index, evaluation] of evaluations.entries()) {
      if (evaluation.draft.entries.length > 0) writing.push({ share: shares[index] as Share, evaluation });
      else this.#settle(evaluation);
    }
    if (writing.length === 0) return;
    let outcomes: readonly CommitOutcome[];
    let batchId = 0n;
    // What the store answers is true of a moment after this one; when the answer is looked at, it may be long ago.
    const askedAtMs = this.#host.monotonicMs();
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
      askedAtMs,
    );
  }

  #commit(batchId: bigint, drafts: readonly Draft[]): Promise<readonly CommitOutcome[]> {
    const { store, pause } = this.#host;
    const conversations = drafts.map((draft) => draft.toCommit());
    const batch = { epoch: this.#epoch, batchId, conversations };
    const trace = this.#trace;
    return trace === undefined ? writeBatch(store, batch, pause) : this.#commitTraced(trace, batch);
  }

  async #commitTraced(trace: BatchTrace, batch: CommitBatch): Promise<readonly CommitOutcome[]> {
    const { store, pause } = this.#host;
    const { batchId, conversations } = batch;
    const span = trace.begin('store commit', {
      'parley.batch_id': String(batchId),
      'parley.conversations': conversations.length,
      'parley.entries': conversations.reduce((sum, { entries }) => sum + entries.length, 0),
    });
    try {
      const onStep = (step: CommitStep): void => trace.stored(span, step);
      return await writeBatch(store, { ...batch, onStep }, pause);
    } catch (error) {
      span.fail(error instanceof StoreError ? error.kind : 'internal');
      throw error;
    } finally {
      span.end();
    }
  }

  /** Nothing of the batch was written. One that can't be written is halved until the culprit is alone. */
  async #voided(shares: readonly Share[], error: unknown): Promise<void> {
    if (error instanceof StoreError && error.kind === 'epoch') this.#host.epochLost();
    if (!(error instanceof StoreError && error.kind === 'rejected')) {
      if (!(error instanceof StoreError || error instanceof Fault)) this.#host.bug(error);
      refuseAll(this.#host, allOf(shares), storeFault(error));
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
      refuseAll(this.#host, submissions, new Fault('notStorable', { message, cause: error }));
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
    askedAtMs: number,
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
        for (const { submission } of evaluation.verdicts) refuse(this.#host, submission, fault);
        continue;
      }
      if (outcome.t === 'committed') {
        committed += evaluation.draft.entries.length;
        this.#committed(evaluation, askedAtMs);
        this.#settle(evaluation);
        continue;
      }
      if (outcome.t === 'fenced') {
        this.#host.fenceLost(evaluation.draft.base.convId);
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
  #committed(evaluation: Evaluation, askedAtMs: number): void {
    const { draft } = evaluation;
    const entries = draft.apply();
    draft.base.confirmedAtMs = Math.floor(askedAtMs);
    try {
      this.#host.committed(draft.base, draft, entries, this.#trace?.entriesOf(evaluation));
    } catch (error) {
      this.#host.bug(error);
    }
  }

  /** The heads and rules of conversations in which another owner was faster; those that can't be read now. */
  async #readAgain(overtaken: readonly Conversation[]): Promise<ReadonlySet<ConvId>> {
    try {
      await this.#host.hot.reload(overtaken);
      return new Set();
    } catch {
      return new Set(overtaken.map(({ convId }) => convId));
    }
  }

  #putBack(submissions: readonly Submission[], lost: ReadonlySet<ConvId>): void {
    for (const submission of submissions) {
      submission.attempts += 1;
      if (submission.attempts <= maxAttempts && !lost.has(submission.convId)) this.#returned.push(submission);
      else {
        const message = 'the conversation is contended';
        refuse(this.#host, submission, new Fault('overloaded', { message, retryAfterMs: 500 }));
      }
    }
  }

  #settle({ verdicts }: Evaluation): void {
    for (const { submission, settlement } of verdicts) {
      if (settlement.t === 'refused') refuse(this.#host, submission, settlement.fault);
      else answer(this.#host, submission, settlement);
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
