import type { Findings } from './finding.ts';
import type { IndexedEvidence } from './indexed.ts';

/** Cursors never go back, whoever is told of them and through whatever happens, and never pass the head. */
export function cursorsOnlyGrow({ clients, conversations }: IndexedEvidence, findings: Findings): void {
  const highest = new Map<string, { delivered: number; read: number }>();
  for (const { user: observer, events } of clients) {
    const seen = new Map<string, { delivered: number; read: number }>();
    for (const event of events) {
      if (event.t !== 'cursor') continue;
      const { convId, user, deliveredSeq, readSeq } = event;
      const key = JSON.stringify([convId, user]);
      const before = seen.get(key) ?? { delivered: 0, read: 0 };
      if (deliveredSeq < before.delivered || readSeq < before.read)
        findings.add(
          'cursorsOnlyGrow',
          `${observer} saw the cursor of ${user} in ${convId} go back from ` +
            `${before.delivered}/${before.read} to ${deliveredSeq}/${readSeq}`,
        );
      const now = {
        delivered: Math.max(before.delivered, deliveredSeq),
        read: Math.max(before.read, readSeq),
      };
      seen.set(key, now);
      const all = highest.get(key) ?? { delivered: 0, read: 0 };
      highest.set(key, {
        delivered: Math.max(all.delivered, now.delivered),
        read: Math.max(all.read, now.read),
      });
    }
  }
  for (const [convId, conversation] of conversations)
    for (const { user, deliveredSeq, readSeq } of conversation.cursors)
      if (Math.max(deliveredSeq, readSeq) > conversation.head)
        findings.add('cursorsOnlyGrow', `the cursor of ${user} in ${convId} is past the head`);
  for (const [key, { delivered, read }] of highest) {
    const [convId, user] = JSON.parse(key) as [string, string];
    const head = conversations.get(convId)?.head ?? 0;
    if (Math.max(delivered, read) > head)
      findings.add('cursorsOnlyGrow', `the cursor of ${user} in ${convId} was past the head, ${head}`);
  }
}
