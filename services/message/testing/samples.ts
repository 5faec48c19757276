import type { ConvId, MsgId, Seq, UserId } from '../../core/ids.ts';
import type { GroupEntry, Precondition } from '../../peer/group-frames.ts';
import type { GroupRow, MemberRow, StoredEntry } from '../../ports/message-store.ts';
import { ClientKeys } from '../client-key.ts';
import { Conversation } from '../conversation.ts';
import type { Draws } from '../draft.ts';
import type { Intent, Settlement, Submission } from '../submission.ts';
import { textContent } from './memory-store.ts';

export const user = (name: string) => name as UserId;
export const [ada, bob, cyd] = [user('ada'), user('bob'), user('cyd')];
export const garden = 'garden' as ConvId;
const keys = new ClientKeys(new Uint8Array(32));

/** Ids and times in order, or a refusal. */
export class CountedDraws implements Draws {
  #last: bigint;
  timeMs = 1_000_000;
  /** How many more there are. */
  left = Number.POSITIVE_INFINITY;
  refusal: Error = new Error('no id is left');

  constructor(last = 1_000n) {
    this.#last = last;
  }

  nextId(): MsgId {
    if (this.left <= 0) throw this.refusal;
    this.left -= 1;
    this.#last += 1n;
    return this.#last;
  }

  nowMs(): number {
    return this.timeMs;
  }
}

export function memberRow(userId: UserId, fields: Partial<MemberRow> = {}): MemberRow {
  return {
    userId,
    role: 'member',
    joinedSeq: 1,
    joinedOrd: 0,
    leftSeq: 0,
    leftOrd: 0,
    rev: 1n,
    ...fields,
  };
}

export function storedEntry(seq: Seq, fields: Partial<StoredEntry> = {}): StoredEntry {
  return {
    seq,
    msgId: BigInt(seq),
    kind: 'message',
    ord: seq,
    sender: 'ada',
    createdAtMs: 1_000_000,
    recalled: false,
    revision: 0,
    content: textContent(`c${seq}`, `text ${seq}`),
    ...fields,
  };
}

/** A group of ada (owner) and bob with so many messages after its creation. */
export function groupOf(
  messages: number,
  { members = [memberRow(ada, { role: 'owner' }), memberRow(bob)], group = {} as Partial<GroupRow> } = {},
): Conversation {
  const conversation = new Conversation(garden);
  const present = members.filter(({ leftSeq }) => leftSeq === 0);
  conversation.restore({
    convNo: 7n,
    convId: garden,
    kind: 'group',
    head: { seq: messages + 1, ord: messages, msgId: BigInt(messages + 1) },
    projectedSeq: 0,
    group: {
      name: 'Garden',
      owner: 'ada',
      maxMembers: 500,
      history: 'sinceJoin',
      memberCount: present.length,
      version: 1,
      ...group,
    },
    members,
  });
  for (let seq = 1; seq <= messages + 1; seq += 1) {
    const kind = seq === 1 ? 'groupCreated' : 'message';
    conversation.recent.push(storedEntry(seq, { kind, ord: seq - 1 }));
  }
  return conversation;
}

/** A command on its way, and what became of it. */
export interface Asked extends Submission {
  readonly settlements: Settlement[];
}

export function submission(
  sender: UserId,
  clientId: string,
  intent: Intent,
  fields: Partial<Submission> = {},
): Asked {
  const settlements: Settlement[] = [];
  return {
    convId: garden,
    sender,
    clientKey: clientId === '' ? undefined : keys.of(sender, clientId),
    chain: undefined,
    intent,
    bytes: 300,
    settle: (settlement) => void settlements.push(settlement),
    known: undefined,
    attempts: 0,
    settlements,
    ...fields,
  };
}

export function send(sender: UserId, clientId: string, fields: Partial<Submission> = {}): Asked {
  return submission(
    sender,
    clientId,
    { t: 'send', peer: undefined, content: textContent(clientId, `from ${sender}: ${clientId}`) },
    fields,
  );
}

export function recall(sender: UserId, clientId: string, seq: Seq): Asked {
  return submission(sender, clientId, { t: 'recall', seq, clientId });
}

export function decision(
  sender: UserId,
  clientId: string,
  preconditions: readonly Precondition[],
  ...entries: readonly GroupEntry[]
): Asked {
  return submission(sender, clientId, { t: 'decision', clientId, decision: { preconditions, entries } });
}

export const kicked = (name: UserId): GroupEntry => ({ t: 'memberRemoved', user: name, left: false });
export const added = (...users: UserId[]): GroupEntry => ({ t: 'membersAdded', users });
