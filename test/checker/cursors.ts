import type { Findings } from './finding.ts';
import type { IndexedEvidence } from './indexed.ts';

interface Place {
  readonly delivered: number;
  readonly read: number;
}

const nowhere: Place = { delivered: 0, read: 0 };
const show = ({ delivered, read }: Place): string => `${delivered}/${read}`;
const furthest = (one: Place, other: Place): Place => ({
  delivered: Math.max(one.delivered, other.delivered),
  read: Math.max(one.read, other.read),
});

/**
 * Cursors never pass the head, and never go back: not while a server runs, and, since clients name theirs again after
 * a crash, not in the end. Cursors are written behind, so a server that has just crashed may be behind for a while. A
 * push may overtake the answer to a sync, whose figures are a little older then; each way by itself only goes up.
 */
export function cursorsOnlyGrow(
  { clients, conversations, cursorsMayLag = false }: IndexedEvidence,
  findings: Findings,
): void {
  const highest = new Map<string, Place>();
  for (const { user: observer, events } of clients) {
    let run: number | undefined;
    let seen = new Map<string, Place>();
    for (const event of events) {
      if (event.t === 'connected' && event.run !== run) {
        run = event.run;
        seen = new Map();
      }
      if (event.t !== 'cursor') continue;
      const { convId, user } = event;
      const key = JSON.stringify([convId, user]);
      const seenKey = event.way + key;
      const now: Place = { delivered: event.deliveredSeq, read: event.readSeq };
      const before = seen.get(seenKey) ?? nowhere;
      if (!cursorsMayLag && (now.delivered < before.delivered || now.read < before.read))
        findings.add(
          'cursorsOnlyGrow',
          `${observer} saw the cursor of ${user} in ${convId} go back from ${show(before)} to ${show(now)}`,
        );
      seen.set(seenKey, furthest(before, now));
      highest.set(key, furthest(highest.get(key) ?? nowhere, now));
    }
  }
  for (const [convId, { head, cursors }] of conversations)
    for (const { user, deliveredSeq, readSeq } of cursors) {
      const now: Place = { delivered: deliveredSeq, read: readSeq };
      const before = highest.get(JSON.stringify([convId, user])) ?? nowhere;
      if (now.delivered < before.delivered || now.read < before.read)
        findings.add(
          'cursorsOnlyGrow',
          `the cursor of ${user} in ${convId} was ${show(before)} once, and is ${show(now)} in the end`,
        );
      if (Math.max(deliveredSeq, readSeq) > head)
        findings.add('cursorsOnlyGrow', `the cursor of ${user} in ${convId} is past the head`);
    }
  for (const [key, { delivered, read }] of highest) {
    const [convId, user] = JSON.parse(key) as [string, string];
    const head = conversations.get(convId)?.head ?? 0;
    if (Math.max(delivered, read) > head)
      findings.add('cursorsOnlyGrow', `the cursor of ${user} in ${convId} was past the head, ${head}`);
  }
}
