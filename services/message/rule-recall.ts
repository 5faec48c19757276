import { Fault } from '../core/fault.ts';
import type { UserId } from '../core/ids.ts';
import type { StoredEntry } from '../ports/message-store.ts';
import { recallContent, recalledContent } from './contents.ts';
import { type Draft, toStored } from './draft.ts';
import type { RuleContext } from './evaluate.ts';
import { outranks } from './roles.ts';
import { notFoundFault, strangerFault } from './stranger-fault.ts';
import type { Intent, Settlement, Submission } from './submission.ts';

/** A message taken back by its sender within the time limit, or by somebody who outranks the sender at any time. */
export function applyRecall(
  draft: Draft,
  { sender, clientKey }: Submission,
  { seq, clientId }: Extract<Intent, { t: 'recall' }>,
  context: RuleContext,
): Settlement {
  if (!draft.exists) throw notFoundFault();
  const actor = draft.present(sender);
  if (actor === undefined) throw strangerFault(draft.base.convId);
  const target = findTarget(draft, seq, context);
  if (target === undefined || (draft.group?.history !== 'all' && seq < actor.joinedSeq)) {
    throw new Fault('entryNotFound', { message: 'there is no such entry', field: 'recall.seq' });
  }
  if (target.kind !== 'message' || target.recalled) {
    throw new Fault('notRecallable', { message: 'only a message that was not recalled can be recalled' });
  }
  if (target.sender === sender) {
    const { recallWindowMs } = context.limits;
    if (
      recallWindowMs > 0 &&
      context.nowMs - target.createdAtMs > recallWindowMs &&
      actor.role === 'member'
    ) {
      throw new Fault('recallTooLate', {
        message: `messages can be recalled for ${recallWindowMs / 1000} s`,
      });
    }
  } else if (!outranks(actor.role, draft.present(target.sender as UserId)?.role)) {
    throw new Fault('notAllowed', { message: 'only the sender or an admin may recall this message' });
  }
  const entry = draft.append('recall', sender, recallContent(clientId, seq), clientKey);
  draft.project({
    seq,
    msgId: target.msgId,
    revision: target.revision + 1,
    recalled: true,
    content: recalledContent(sender, entry.seq),
  });
  return {
    t: 'committed',
    seq: entry.seq,
    msgId: entry.msgId,
    createdAtMs: entry.createdAtMs,
    duplicate: false,
  };
}

function findTarget(draft: Draft, seq: number, context: RuleContext): StoredEntry | undefined {
  const drafted = draft.entries.find((entry) => entry.seq === seq);
  if (drafted !== undefined) return draft.changed(toStored(drafted));
  const earlier = draft.base.recent.get(seq) ?? context.targets.get(seq);
  return earlier === undefined ? undefined : draft.changed(earlier);
}
