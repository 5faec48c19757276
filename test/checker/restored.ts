import type { Findings } from './finding.ts';
import type { ClientEvent, ClientLog, Evidence, StoredConversation } from './log.ts';

export interface RestoredEvidence extends Evidence {
  /** How many events each client had, in the order of clients, when the backup was asked for. */
  readonly sure: readonly number[];
}

export interface AfterRestore {
  /** What the rules of the checker are for: what the clients did, and what they saw since they started over. */
  readonly evidence: Evidence;
  /** Acknowledged entries that the restore took away. */
  readonly lost: number;
  /** Acknowledged entries of before the restore that are there. */
  readonly kept: number;
}

/**
 * Holds a store that was put back to a backup to what that must mean: what was acknowledged before the backup was asked
 * for is there; of each conversation a beginning is there and the rest is gone, for everybody; nobody is told anything of
 * the rest after they have started over; and no msg_id of it names anything else.
 */
export function checkRestored(restored: RestoredEvidence, findings: Findings): AfterRestore {
  const { clients, store, sure } = restored;
  const conversations = new Map(store.map((conversation) => [conversation.convId, conversation]));
  const lives = clients.map(livesOf);
  for (const { user, later } of lives)
    if (later.length === 0) findings.add('sameLogForAll', `${user} never started over`);
  const cuts = new Cuts(conversations);
  for (const { former } of lives) for (const event of former) cuts.take(event);
  cuts.report(findings);
  for (const [at, { user, former }] of lives.entries())
    for (const event of former.slice(0, sure[at]))
      if (event.t === 'sent' && !cuts.isKept(event.convId, event.seq, event.msgId))
        findings.add(
          'acknowledgedIsStored',
          `${event.clientId} of ${user}, acknowledged as ${event.seq} of ${event.convId} before the backup, is gone`,
        );
  for (const { user, later } of lives)
    for (const event of later) {
      const msgId = msgIdOf(event);
      if (msgId !== undefined && cuts.lost.has(msgId))
        findings.add('sameLogForAll', `${user} was told of ${msgId} again, which the restore took away`);
    }
  for (const { convId, entries } of store)
    for (const { seq, msgId } of entries)
      if (cuts.lost.has(msgId))
        findings.add('nothingRepeated', `${seq} of ${convId} has the msg_id of a lost entry`);
  const evidence = {
    clients: lives.map(({ user, former, later }) => ({
      user,
      events: [...former.filter((event) => isDeed(event, cuts)), ...later],
    })),
    store,
  };
  const acknowledged = new Set(
    lives.flatMap(({ former }) => former.flatMap((event) => (event.t === 'sent' ? [event.msgId] : []))),
  );
  const lost = [...acknowledged].filter((msgId) => cuts.lost.has(msgId)).length;
  return { evidence, lost, kept: acknowledged.size - lost };
}

interface Lives {
  readonly user: string;
  readonly former: readonly ClientEvent[];
  readonly later: readonly ClientEvent[];
}

function livesOf({ user, events }: ClientLog): Lives {
  const at = events.findLastIndex(({ t }) => t === 'startedOver');
  return at < 0
    ? { user, former: events, later: [] }
    : { user, former: events.slice(0, at), later: events.slice(at) };
}

/** What a client did, and was told of it that still holds; what it saw of a store that is gone is left out. */
function isDeed(event: ClientEvent, cuts: Cuts): boolean {
  if (event.t === 'sent') return cuts.isKept(event.convId, event.seq, event.msgId);
  return event.t === 'send' || event.t === 'refused';
}

function msgIdOf(event: ClientEvent): bigint | undefined {
  if (event.t === 'sent') return event.msgId;
  if (event.t !== 'entry' && event.t !== 'fetched') return undefined;
  return event.entry.content.t === 'hidden' ? undefined : event.entry.msgId;
}

/** Where each conversation was cut off. */
class Cuts {
  readonly lost = new Set<bigint>();
  readonly #conversations: ReadonlyMap<string, StoredConversation>;
  readonly #ends = new Map<string, { kept: number; lost: number }>();

  constructor(conversations: ReadonlyMap<string, StoredConversation>) {
    this.#conversations = conversations;
  }

  isKept(convId: string, seq: number, msgId: bigint): boolean {
    return this.#conversations.get(convId)?.entries[seq - 1]?.msgId === msgId;
  }

  /** Something that a client was told of before the restore. */
  take(event: ClientEvent): void {
    const msgId = msgIdOf(event);
    if (msgId === undefined || !('convId' in event)) return;
    const seq =
      event.t === 'sent' ? event.seq : event.t === 'entry' || event.t === 'fetched' ? event.entry.seq : 0;
    const ends = this.#ends.get(event.convId) ?? { kept: 0, lost: Number.POSITIVE_INFINITY };
    this.#ends.set(event.convId, ends);
    if (this.isKept(event.convId, seq, msgId)) ends.kept = Math.max(ends.kept, seq);
    else {
      ends.lost = Math.min(ends.lost, seq);
      this.lost.add(msgId);
    }
  }

  report(findings: Findings): void {
    for (const [convId, { kept, lost }] of this.#ends)
      if (lost < kept)
        findings.add(
          'gapless',
          `${convId} lost ${lost} to the restore and kept ${kept}, which came after it`,
        );
  }
}
