import { Fault } from '../core/fault.ts';
import type { Seq } from '../core/ids.ts';
import type { ClientKey, MessageStore, StoredEntry } from '../ports/message-store.ts';
import type { Conversation } from './conversation.ts';
import { Draft, type Draws } from './draft.ts';
import { type Evaluation, evaluate, type RuleLimits } from './evaluate.ts';
import type { HotConversations } from './hot-conversations.ts';
import { storeFault } from './store-fault.ts';
import type { Submission } from './submission.ts';

/** The commands of a batch that go to one conversation, in their order. */
export interface Share {
  readonly conversation: Conversation;
  readonly submissions: readonly Submission[];
}

export interface JudgeHost {
  readonly store: MessageStore;
  readonly hot: HotConversations;
  readonly draws: Draws;
  readonly limits: RuleLimits;
  /** An error that nobody's command may cause. */
  bug(error: unknown): void;
}

/** Conversations whose rules are confirmed in one batch before somebody is refused on them, at most. */
const maxConfirmed = 256;

type Targets = ReadonlyMap<Seq, StoredEntry>;
const noTargets: Targets = new Map();

/**
 * Says what becomes of a batch's commands, on the rules as they are. Before anybody is refused for good, the rules are
 * confirmed, for another owner may have changed them; and a command that made its entry long ago is answered by it,
 * whatever the rules say now.
 */
export class Judge {
  readonly #host: JudgeHost;

  constructor(host: JudgeHost) {
    this.#host = host;
  }

  /** Rejects with the store's error where it has to be asked and does not answer. */
  async evaluate(shares: readonly Share[]): Promise<Evaluation[]> {
    const evaluations: Evaluation[] = [];
    for (const share of shares) {
      const targets = hasRecall(share) ? await this.#targets(share) : noTargets;
      evaluations.push(this.#judge(share, targets));
    }
    const doubtful = evaluations.filter(({ refused }) => refused.length > 0);
    if (doubtful.length === 0) return evaluations;
    const confirmed = new Set(doubtful.slice(0, maxConfirmed));
    await this.#confirm([...confirmed]);
    for (const [index, evaluation] of evaluations.entries()) {
      const share = shares[index] as Share;
      if (confirmed.has(evaluation)) evaluations[index] = this.#judge(share, await this.#targets(share));
      else if (evaluation.refused.length > 0) evaluations[index] = refuseAll(share, tooManyRefusals);
    }
    return evaluations;
  }

  #judge(share: Share, targets: Targets): Evaluation {
    const { limits, draws } = this.#host;
    try {
      const context = { limits, nowMs: draws.nowMs(), targets };
      return evaluate(share.conversation, share.submissions, draws, context);
    } catch (error) {
      // No id is to be had, or there is a bug: that costs this conversation's commands, nobody else's.
      if (!(error instanceof Fault)) this.#host.bug(error);
      return refuseAll(share, () => storeFault(error));
    }
  }

  /** Every change of rules is an entry: where none stands beyond our head, our rules are the current ones. */
  async #confirm(evaluations: readonly Evaluation[]): Promise<void> {
    const { hot, store } = this.#host;
    const ahead = await Promise.all(evaluations.map(({ draft }) => this.#isAhead(draft.base)));
    const stale = evaluations.filter((_, index) => ahead[index]).map(({ draft }) => draft.base);
    await hot.reload(stale);
    await Promise.all(
      evaluations.map(async ({ draft: { base }, refused }) => {
        const asked = refused.filter(({ clientKey }) => clientKey !== undefined);
        if (base.convNo === undefined || asked.length === 0) return;
        // The store answers for a thousand at a time.
        for (let at = 0; at < asked.length; at += 1_000) {
          const part = asked.slice(at, at + 1_000);
          const keys = part.map(({ clientKey }) => clientKey as ClientKey);
          const found = await store.findClientKeys(base.convNo, keys);
          const known = new Map(found.map((duplicate) => [duplicate.clientKey, duplicate]));
          for (const submission of part) submission.known = known.get(submission.clientKey as ClientKey);
        }
      }),
    );
  }

  /** Whether the store has more of the conversation than we know. */
  async #isAhead({ convNo, head }: Conversation): Promise<boolean> {
    if (convNo === undefined) return true;
    const next = head.seq + 1;
    return (await this.#host.store.range(convNo, next, next, 1, false)).length > 0;
  }

  /** The entries that recalls refer to. */
  async #targets({ conversation, submissions }: Share): Promise<Targets> {
    const targets = new Map<Seq, StoredEntry>();
    for (const { intent } of submissions) {
      if (intent.t !== 'recall' || conversation.convNo === undefined) continue;
      const { seq } = intent;
      if (seq > conversation.head.seq || targets.has(seq)) continue;
      const entry =
        conversation.recent.get(seq) ??
        (await this.#host.store.range(conversation.convNo, seq, seq, 1, false))[0];
      if (entry !== undefined) targets.set(seq, entry);
    }
    return targets;
  }
}

function hasRecall({ submissions }: Share): boolean {
  return submissions.some(({ intent }) => intent.t === 'recall');
}

/** Nothing of the share is drafted, everything in it is refused. */
function refuseAll({ conversation, submissions }: Share, fault: () => Fault): Evaluation {
  const settlement = { t: 'refused', fault: fault() } as const;
  const draft = new Draft(conversation, noDraws);
  return { draft, refused: [], verdicts: submissions.map((submission) => ({ submission, settlement })) };
}

const noDraws: Draws = {
  nextId: () => {
    throw new Error('nothing is drafted here');
  },
  nowMs: () => 0,
};

/** Refusals on rules that could not be confirmed in time become retries, and so does everything behind them. */
function tooManyRefusals(): Fault {
  return new Fault('overloaded', { message: 'too many refusals to check at once', retryAfterMs: 500 });
}
