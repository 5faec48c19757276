import type { Findings } from './finding.ts';
import type { IndexedEvidence } from './indexed.ts';
import type { EntryContent } from './log.ts';

/**
 * The store has every seq from 1 to the head. Within a session, each live entry of a conversation is the one after the
 * last, a repeat, follows a gap that was told, is the reader's own joining, or follows entries that the client has already;
 * and so is the first entry of each gap that is told. That repeats come in order is another rule's.
 */
export function gapless({ store, clients, conversations }: IndexedEvidence, findings: Findings): void {
  for (const { convId, entries } of store) {
    const seqs = entries.map((entry) => entry.seq).sort((one, other) => one - other);
    let expected = 1;
    for (const seq of seqs) {
      if (seq > expected) findings.add('gapless', `the store lacks ${range(expected, seq - 1)} of ${convId}`);
      expected = Math.max(expected, seq + 1);
    }
  }
  for (const { user, events } of clients) {
    let last = new Map<string, number>();
    const had = new Map<string, Set<number>>();
    const has = (convId: string, from: number, to: number): boolean => {
      for (let seq = from; seq <= to; seq += 1) if (had.get(convId)?.has(seq) !== true) return false;
      return true;
    };
    for (const event of events) {
      if (event.t === 'entry' || event.t === 'fetched') {
        const seqs = had.get(event.convId) ?? new Set();
        had.set(event.convId, seqs.add(event.entry.seq));
      }
      if (event.t === 'connected') last = new Map();
      else if (event.t === 'gap') {
        const before = last.get(event.convId);
        const first = conversations.get(event.convId)?.bySeq.get(event.fromSeq)?.content;
        const jumps =
          before !== undefined &&
          event.fromSeq > before + 1 &&
          !has(event.convId, before + 1, event.fromSeq - 1);
        if (jumps && !(first !== undefined && joins(first, user)))
          findings.add(
            'gapless',
            `${user} was told of ${range(event.fromSeq, event.toSeq)} of ${event.convId} after ${before}, where it begins with ${first?.t ?? 'nothing'}`,
          );
        last.set(event.convId, Math.max(before ?? 0, event.toSeq));
      } else if (event.t === 'entry') {
        const { seq } = event.entry;
        const before = last.get(event.convId);
        const jumps = before !== undefined && seq > before + 1 && !has(event.convId, before + 1, seq - 1);
        if (jumps && !joins(event.entry.content, user))
          findings.add(
            'gapless',
            `${user} got ${seq} of ${event.convId} after ${before}, and was not told why`,
          );
        last.set(event.convId, Math.max(before ?? 0, seq));
      }
    }
  }
}

/** What went before one's joining is not one's own. */
function joins(content: EntryContent, user: string): boolean {
  if (content.t === 'membersAdded') return content.users.includes(user);
  return content.t === 'groupCreated' && content.members.includes(user);
}

const range = (from: number, to: number): string => (from === to ? `${from}` : `${from}–${to}`);
