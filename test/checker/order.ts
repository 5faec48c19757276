import type { Findings } from './finding.ts';
import { type IndexedEvidence, keyOf, sendKey, sendsOf } from './indexed.ts';
import type { ClientLog, StoredConversation } from './log.ts';

/**
 * Everybody sees the order of the seqs: within a session, an entry that the client has not had yet comes after all with
 * lower seqs, unless the client was told to fetch it. A message id grows with seq, since both are given in one place.
 */
export function oneOrder({ store, clients }: IndexedEvidence, findings: Findings): void {
  for (const { convId, entries } of store) {
    const sorted = [...entries].sort((one, other) => one.seq - other.seq);
    for (const [i, entry] of sorted.entries()) {
      const before = sorted[i - 1];
      if (before !== undefined && before.msgId >= entry.msgId)
        findings.add(
          'oneOrder',
          `msg_ids of ${before.seq} and ${entry.seq} of ${convId} are the wrong way round`,
        );
    }
  }
  for (const { user, events } of clients) {
    let highest = new Map<string, number>();
    const seen = new Set<string>();
    for (const event of events) {
      if (event.t === 'connected') highest = new Map();
      if (event.t === 'fetched') seen.add(`${event.entry.seq} ${event.convId}`);
      if (event.t === 'gap')
        for (let seq = event.fromSeq; seq <= event.toSeq; seq += 1) seen.add(`${seq} ${event.convId}`);
      if (event.t !== 'entry') continue;
      const { seq } = event.entry;
      const place = `${seq} ${event.convId}`;
      const before = highest.get(event.convId) ?? 0;
      if (seq < before && !seen.has(place))
        findings.add('oneOrder', `${user} got ${seq} of ${event.convId} for the first time after ${before}`);
      highest.set(event.convId, Math.max(before, seq));
      seen.add(place);
    }
  }
}

/**
 * What a client sent one after another into a conversation stands there in that order. One thing is not promised
 * (docs/invariants.md): a send that was refused for good while its sender was out of the group, and whose refusal was
 * lost with a connection, is taken when it is sent again and the sender is in again; what was sent behind it may have been
 * taken meanwhile.
 */
export function sendersOrder({ store, clients, conversations }: IndexedEvidence, findings: Findings): void {
  const places = new Map<string, number>();
  for (const { convId, entries } of store)
    for (const entry of entries)
      if (entry.clientId !== '') places.set(sendKey(convId, entry.sender, entry.clientId), entry.seq);
  for (const client of clients) {
    const last = new Map<string, { seq: number; clientId: string }>();
    for (const send of sendsOf(client)) {
      const seq = places.get(keyOf(send));
      if (seq === undefined) continue; // refused, or never answered
      const before = last.get(send.convId);
      const turned = before !== undefined && before.seq > seq;
      const log = conversations.get(send.convId);
      if (turned && log !== undefined && wasOutMeanwhile(client, log, { clientId: before.clientId, by: seq }))
        continue;
      if (turned)
        findings.add(
          'sendersOrder',
          `${client.user} sent ${before.clientId} (${before.seq}) before ${send.clientId} (${seq}) into ${send.convId}`,
        );
      else last.set(send.convId, { seq, clientId: send.clientId });
    }
  }
}

/**
 * Whether a send may have been refused for good and forgotten: between it and its answer there was another connection, and
 * its sender was let in again, later than all that was known when it was sent and before the seq `by`.
 */
function wasOutMeanwhile(
  { user, events }: ClientLog,
  { convId, entries }: StoredConversation,
  { clientId, by }: { readonly clientId: string; readonly by: number },
): boolean {
  const [made, answered] = (['send', 'sent'] as const).map((t) =>
    events.findIndex((event) => event.t === t && event.convId === convId && event.clientId === clientId),
  ) as [number, number];
  const between = events.slice(made, answered < 0 ? undefined : answered);
  if (!between.some(({ t }) => t === 'connected')) return false;
  let known = 0;
  for (const event of events.slice(0, made)) {
    if ((event.t === 'entry' || event.t === 'fetched') && event.convId === convId)
      known = Math.max(known, event.entry.seq);
    if (event.t === 'sent' && event.convId === convId) known = Math.max(known, event.seq);
  }
  return entries.some(
    ({ seq, content }) =>
      seq > known && seq < by && content.t === 'membersAdded' && content.users.includes(user),
  );
}
