import { isDirect } from '../core/conv-id.ts';
import type { Draft } from './draft.ts';
import { notFoundFault, strangerFault } from './stranger-fault.ts';
import type { Intent, Settlement, Submission } from './submission.ts';

/** A message by a member; the first one between two users makes their conversation. */
export function applySend(
  draft: Draft,
  { sender, convId, clientKey }: Submission,
  { peer, content }: Extract<Intent, { t: 'send' }>,
): Settlement {
  if (!draft.exists) {
    if (peer === undefined || !isDirect(convId)) {
      throw notFoundFault('send.conv_id');
    }
    draft.begin('direct');
    draft.join(sender, 'member');
    if (peer !== sender) draft.join(peer, 'member');
  }
  if (draft.present(sender) === undefined) {
    throw strangerFault(convId, 'send.conv_id');
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
