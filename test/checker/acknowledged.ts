import { wiped } from './content.ts';
import type { Findings } from './finding.ts';
import type { IndexedEvidence } from './indexed.ts';

/** What was acknowledged stands in the store, in that place, as the acknowledged send. */
export function acknowledgedIsStored({ clients, conversations }: IndexedEvidence, findings: Findings): void {
  for (const { user, events } of clients)
    for (const event of events) {
      if (event.t !== 'sent') continue;
      const { convId, seq, msgId, clientId } = event;
      const stored = conversations.get(convId)?.bySeq.get(seq);
      const name = `${clientId} of ${user}, acknowledged as ${seq} of ${convId},`;
      if (stored === undefined) findings.add('acknowledgedIsStored', `${name} is not in the store`);
      else if (stored.sender !== user || (stored.clientId !== clientId && !wiped(stored)))
        findings.add(
          'acknowledgedIsStored',
          `${name} is not there: ${stored.clientId} of ${stored.sender} is`,
        );
      else if (stored.msgId !== msgId)
        findings.add('acknowledgedIsStored', `${name} has msg_id ${stored.msgId}, not ${msgId}`);
    }
}
