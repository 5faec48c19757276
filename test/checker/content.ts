import type { Findings } from './finding.ts';
import { type IndexedEvidence, sendKey } from './indexed.ts';
import type { EntryContent, SeenEntry } from './log.ts';

/** Every stored message is what its sender sent, and every entry that a client saw is what the store has. */
export function contentIsWhatWasSent(evidence: IndexedEvidence, findings: Findings): void {
  const { conversations, sends, clients } = evidence;
  for (const { convId, entries } of conversations.values())
    for (const entry of entries) {
      if (entry.content.t !== 'message') continue;
      const send = sends.get(sendKey(convId, entry.sender, entry.clientId));
      const name = `${entry.seq} of ${convId}`;
      if (send === undefined) findings.add('contentIsWhatWasSent', `nobody sent what stands at ${name}`);
      else if (send.text !== entry.content.text)
        findings.add(
          'contentIsWhatWasSent',
          `${name} says "${entry.content.text}" where "${send.text}" was sent`,
        );
    }
  for (const { user, events } of clients)
    for (const event of events) {
      if (event.t !== 'entry' && event.t !== 'fetched') continue;
      if (event.entry.content.t === 'hidden') continue;
      const stored = conversations.get(event.convId)?.bySeq.get(event.entry.seq);
      const why = stored === undefined ? 'is not in the store' : difference(event.entry, stored);
      const sent = sends.get(sendKey(event.convId, event.entry.sender, event.entry.clientId));
      if (why !== undefined)
        findings.add(
          'contentIsWhatWasSent',
          `${event.entry.seq} of ${event.convId}, seen by ${user}, ${why}`,
        );
      else if (event.entry.content.t === 'message' && sent?.text !== event.entry.content.text)
        findings.add(
          'contentIsWhatWasSent',
          `${event.entry.seq} of ${event.convId}, seen by ${user}, was not sent so`,
        );
    }
}

/** How an entry that was seen differs from the stored one; a recalled one may have been seen before. */
export function difference(seen: SeenEntry, stored: SeenEntry): string | undefined {
  if (seen.msgId !== stored.msgId) return `has msg_id ${seen.msgId}, not ${stored.msgId}`;
  if (seen.sender !== stored.sender) return `is by ${seen.sender}, not by ${stored.sender}`;
  if (seen.clientId !== stored.clientId && !wiped(seen) && !wiped(stored))
    return `has client id ${seen.clientId}, not ${stored.clientId}`;
  if (stored.content.t === 'recalled' && (seen.content.t === 'message' || seen.content.t === 'recalled'))
    return undefined;
  return sameContent(seen.content, stored.content) ? undefined : 'has another content than the store';
}

/** A recall wipes the client id with the content. */
export const wiped = ({ content, clientId }: SeenEntry): boolean =>
  content.t === 'recalled' && clientId === '';

const sameContent = (one: EntryContent, other: EntryContent): boolean =>
  JSON.stringify(one, Object.keys(one).sort()) === JSON.stringify(other, Object.keys(other).sort());
