import { isDirect } from '../core/conv-id.ts';
import { Fault } from '../core/fault.ts';
import type { Draft } from './draft.ts';
import type { Intent, Settlement, Submission } from './submission.ts';

/** A message by a member; the first one between two users makes their conversation. */
export function applySend(
  draft: Draft,
  { sender, convId, clientKey }: Submission,
  { peer, content }: Extract<Intent, { t: 'send' }>,
): Settlement {
  if (!draft.exists) {
    if (peer === undefined || !isDirect(convId)) {
      throw new Fault('conversationNotFound', {
        message: 'there is no such conversation',
        field: 'send.conv_id',
      });
    }
    draft.begin('direct');
    draft.join(sender, 'member');
    if (peer !== sender) draft.join(peer, 'member');
  }
  if (draft.present(sender) === undefined) {
    throw new Fault('notMember', { message: 'not a member of this conversation', field: 'send.conv_id' });
  }
  const entry = draft.append('message', sender, content, clientKey);
  return {
    t: 'committed',
    seq: entry.seq,
    msgId: entry.msgId,
    createdAtMs: entry.createdAtMs,
    duplicate: false,
  };
}
