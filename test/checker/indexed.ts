import type { ClientLog, Evidence, SeenEntry, StoredConversation } from './log.ts';

/** A send as its client made it. */
export interface MadeSend {
  readonly user: string;
  readonly convId: string;
  readonly clientId: string;
  readonly text: string;
  /** Place among the sends of its client. */
  readonly order: number;
}

/** The evidence, with what all rules look up. */
export interface IndexedEvidence extends Evidence {
  readonly conversations: ReadonlyMap<string, IndexedConversation>;
  /** By `sendKey`. */
  readonly sends: ReadonlyMap<string, MadeSend>;
}

export interface IndexedConversation extends StoredConversation {
  readonly bySeq: ReadonlyMap<number, SeenEntry>;
  readonly head: number;
}

/** What makes a send the same send: conversation, sender, client id. */
export const sendKey = (convId: string, sender: string, clientId: string): string =>
  JSON.stringify([convId, sender, clientId]);

export function indexEvidence(evidence: Evidence): IndexedEvidence {
  const conversations = new Map<string, IndexedConversation>();
  for (const conversation of evidence.store) {
    const bySeq = new Map(conversation.entries.map((entry) => [entry.seq, entry]));
    conversations.set(conversation.convId, {
      ...conversation,
      bySeq,
      head: conversation.entries.reduce((head, entry) => Math.max(head, entry.seq), 0),
    });
  }
  const sends = new Map<string, MadeSend>();
  for (const client of evidence.clients) for (const send of sendsOf(client)) sends.set(keyOf(send), send);
  return { ...evidence, conversations, sends };
}

export function sendsOf(client: ClientLog): MadeSend[] {
  const sends: MadeSend[] = [];
  for (const event of client.events)
    if (event.t === 'send') sends.push({ user: client.user, order: sends.length, ...event });
  return sends;
}

export const keyOf = (send: MadeSend): string => sendKey(send.convId, send.user, send.clientId);
