import type { Findings } from './finding.ts';
import { type IndexedEvidence, sendKey } from './indexed.ts';

/** One entry a place, one place a send, one answer a send. */
export function nothingRepeated({ store, clients }: IndexedEvidence, findings: Findings): void {
  for (const { convId, entries } of store) {
    const seqs = new Set<number>();
    const ids = new Set<bigint>();
    const keys = new Map<string, number>();
    for (const { seq, msgId, sender, clientId } of entries) {
      if (seqs.has(seq)) findings.add('nothingRepeated', `${seq} of ${convId} stands twice in the store`);
      if (ids.has(msgId)) findings.add('nothingRepeated', `msg_id ${msgId} stands twice in ${convId}`);
      seqs.add(seq);
      ids.add(msgId);
      if (clientId === '') continue;
      const key = sendKey(convId, sender, clientId);
      const before = keys.get(key);
      if (before !== undefined)
        findings.add(
          'nothingRepeated',
          `${clientId} of ${sender} stands at ${before} and ${seq} of ${convId}`,
        );
      keys.set(key, seq);
    }
  }
  for (const { user, events } of clients) {
    const answers = new Map<string, number>();
    for (const event of events) {
      if (event.t !== 'sent') continue;
      const key = sendKey(event.convId, user, event.clientId);
      const before = answers.get(key) ?? event.seq;
      if (before !== event.seq)
        findings.add(
          'nothingRepeated',
          `${event.clientId} of ${user} was acknowledged as ${before} and as ${event.seq} of ${event.convId}`,
        );
      answers.set(key, event.seq);
    }
  }
}
