import { difference } from './content.ts';
import type { Findings } from './finding.ts';
import type { IndexedConversation, IndexedEvidence } from './indexed.ts';
import type { ClientLog } from './log.ts';
import { lastStays, type Stay } from './membership.ts';

/**
 * In the end, every client of every member has the same log: each entry of the time that is the user's, and nothing
 * that isn't there. What came live, and what was fetched, counts alike.
 */
export function sameLogForAll({ clients, conversations }: IndexedEvidence, findings: Findings): void {
  const stays = new Map([...conversations].map(([convId, found]) => [convId, lastStays(found)]));
  for (const client of clients) {
    const logs = logsOf(client);
    for (const [convId, conversation] of conversations) {
      const stay = stays.get(convId)?.get(client.user);
      if (stay !== undefined) compare(client.user, logs.get(convId), conversation, stay, findings);
    }
  }
}

function compare(
  user: string,
  log: ReadonlyMap<number, Seen> | undefined,
  conversation: IndexedConversation,
  stay: Stay,
  findings: Findings,
): void {
  const { convId, bySeq, head } = conversation;
  let missing = 0;
  let first = 0;
  for (let seq = stay.from; seq <= (stay.to ?? head); seq++) {
    const stored = bySeq.get(seq);
    if (stored === undefined) continue; // a gap in the store, which is another rule's
    const seen = log?.get(seq);
    if (seen === undefined) {
      missing += 1;
      first ||= seq;
    } else {
      const why = difference(seen, stored);
      if (why !== undefined)
        findings.add('sameLogForAll', `${seq} of ${convId} in the log of ${user} ${why}`);
    }
  }
  if (missing > 0)
    findings.add(
      'sameLogForAll',
      `the log of ${user} lacks ${missing} entries of ${convId}, the first is ${first}`,
    );
}

type Seen = Extract<ClientLog['events'][number], { t: 'entry' }>['entry'];

function logsOf(client: ClientLog): Map<string, Map<number, Seen>> {
  const logs = new Map<string, Map<number, Seen>>();
  for (const event of client.events) {
    if (event.t !== 'entry' && event.t !== 'fetched') continue;
    let log = logs.get(event.convId);
    if (log === undefined) {
      log = new Map();
      logs.set(event.convId, log);
    }
    log.set(event.entry.seq, event.entry);
  }
  return logs;
}
