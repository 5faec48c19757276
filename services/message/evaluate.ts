import { Fault } from '../core/fault.ts';
import type { Seq } from '../core/ids.ts';
import type { EntryKind, StoredEntry } from '../ports/message-store.ts';
import { firstEntryOf, reusedFault } from './client-id-use.ts';
import type { Conversation } from './conversation.ts';
import { Draft, type Draws } from './draft.ts';
import { applyDecision } from './rule-decision.ts';
import { applyRecall } from './rule-recall.ts';
import { applySend } from './rule-send.ts';
import type { Settlement, Submission } from './submission.ts';

export interface RuleLimits {
  /** How long a sender may recall a message, in milliseconds; 0 means for ever. */
  readonly recallWindowMs: number;
}

/** What the rules look at besides the draft. */
export interface RuleContext {
  readonly limits: RuleLimits;
  readonly nowMs: number;
  /** Entries that recalls of this batch refer to, by seq. */
  readonly targets: ReadonlyMap<Seq, StoredEntry>;
}

/** What the first command with a client key led to, and by an entry of which kind. */
interface Made {
  readonly settlement: Extract<Settlement, { t: 'committed' }>;
  readonly kind: EntryKind | undefined;
}

/** What a batch makes of one conversation's submissions: settled once the draft is committed (or at once when it has no entries). */
export interface Evaluation {
  readonly draft: Draft;
  readonly verdicts: readonly { readonly submission: Submission; readonly settlement: Settlement }[];
  /** Submissions refused for good, on rules that may be stale. */
  readonly refused: readonly Submission[];
}

/**
 * Takes the submissions of one conversation in turn: deduplicates, checks against the rules as they stand after all
 * earlier ones, and gives numbers. Pure but for the ids and times drawn. Throws where one fails half-way, or is refused for
 * now and others may not pass it: nothing of all that may be committed then.
 */
export function evaluate(
  conversation: Conversation,
  submissions: readonly Submission[],
  draws: Draws,
  context: RuleContext,
): Evaluation {
  const draft = new Draft(conversation, draws);
  const verdicts: { submission: Submission; settlement: Settlement }[] = [];
  const refused: Submission[] = [];
  /** Client keys of this batch, with what their first command led to: of use where there are several. */
  const seen = submissions.length > 1 ? new Map<string, Made>() : undefined;
  for (const submission of submissions) {
    const settlement = judge(draft, submission, seen, context);
    if (settlement.t === 'refused' && settlement.fault.spec.retry === 'never') refused.push(submission);
    verdicts.push({ submission, settlement });
  }
  return { draft, verdicts, refused };
}

function judge(
  draft: Draft,
  submission: Submission,
  seen: Map<string, Made> | undefined,
  context: RuleContext,
): Settlement {
  const { known, clientKey } = submission;
  const kind = firstEntryOf(submission.intent);
  if (known !== undefined) {
    if (known.kind !== kind) return { t: 'refused', fault: reusedFault() };
    return {
      t: 'committed',
      seq: known.seq,
      msgId: known.msgId,
      createdAtMs: known.createdAtMs,
      duplicate: true,
    };
  }
  const first = clientKey === undefined ? undefined : seen?.get(clientKey);
  if (first !== undefined && first.kind !== kind) return { t: 'refused', fault: reusedFault() };
  if (first !== undefined) return { ...first.settlement, duplicate: true };
  const settlement = decide(draft, submission, context);
  if (clientKey !== undefined && settlement.t === 'committed') seen?.set(clientKey, { settlement, kind });
  return settlement;
}

function decide(draft: Draft, submission: Submission, context: RuleContext): Settlement {
  const before = draft.changes;
  try {
    const { intent } = submission;
    switch (intent.t) {
      case 'send':
        return applySend(draft, submission, intent);
      case 'recall':
        return applyRecall(draft, submission, intent, context);
      case 'decision':
        return applyDecision(draft, submission, intent);
      case 'recheck':
        return { t: 'refused', fault: new Fault('notAllowed', { message: 'nothing was asked for' }) };
    }
  } catch (error) {
    // Half a command must not be committed: a draft that it has changed is void.
    if (!(error instanceof Fault) || draft.changes !== before) throw error;
    // What is refused for now, as where no id is to be had, holds up what its session sent behind it: the next command may
    // find that there are ids again.
    if (error.spec.retry !== 'never' && submission.chain !== undefined) throw error;
    return { t: 'refused', fault: error };
  }
}
