import { setImmediate as turn } from 'node:timers/promises';
import type { ConvId, ConvNo, MsgId, Seq } from '../../core/ids.ts';
import type { ConversationSeal } from '../../core/seal.ts';
import {
  type ConversationCommit,
  type GroupRow,
  type MemberRow,
  type NewEntry,
  type Projection,
  StoreError,
} from '../../ports/message-store.ts';
import { conversationKindCode, entryKindCode, roleCode, visibilityCode } from '../../ports/stored-words.ts';
import type { Seals } from './seals.ts';
import { big, bytes, clientKey as keyLiteral, int, list, text } from './sql.ts';

/** A conversation's part of a batch as SQL: rows for the statements of the packet. Bodies are sealed. */
export interface Rendered {
  readonly commit: ConversationCommit;
  /** Of the conversation itself; undefined where it is there already. */
  readonly conversation: string | undefined;
  readonly messages: readonly string[];
  readonly members: readonly string[];
  readonly group: string | undefined;
  /** Statements that change rows that are there. */
  readonly changes: readonly string[];
  /** What must be there for this to be written. */
  readonly conditions: Conditions;
}

export interface Conditions {
  /** The entry before, as a JSON array of conv_no and seq. */
  readonly before: string | undefined;
  /** Each a condition that one row of `message` fulfils. */
  readonly changed: readonly string[];
  /** A condition that one row of `conversation` fulfils. */
  readonly conversation: string | undefined;
}

/** What is sealed in one turn of the event loop: about a millisecond. */
const entriesAtOnce = 128;
const bytesAtOnce = 256 * 1024;

/**
 * Seals and renders conversations, in their order. Others get their turn in between. `isNamed` says of a conversation's
 * number whether it is known to be this one's; else the database is asked. Throws what can never be written.
 */
export async function render(
  commits: readonly ConversationCommit[],
  seals: Seals,
  isNamed: (convNo: ConvNo) => boolean,
): Promise<Rendered[]> {
  const rendered: Rendered[] = [];
  let entries = 0;
  let length = 0;
  const pause = async (content: string) => {
    entries += 1;
    length += content.length;
    if (entries < entriesAtOnce && length < bytesAtOnce) return;
    entries = 0;
    length = 0;
    await turn();
  };
  for (const commit of commits) rendered.push(await renderOne(commit, seals, isNamed(commit.convNo), pause));
  return rendered;
}

async function renderOne(
  commit: ConversationCommit,
  seals: Seals,
  named: boolean,
  pause: (content: string) => Promise<void>,
): Promise<Rendered> {
  const { convNo, convId, create, entries, projections, members, group } = commit;
  const no = big(convNo);
  const seal = seals.of(convId);
  const first = (entries[0] as NewEntry).seq;
  const { own, earlier } = sorted(commit, first);
  const changed: string[] = [];
  const changes: string[] = [];
  for (const { last, leastRevision } of earlier) {
    const row = `conv_no=${no} AND seq=${int(last.seq)}`;
    changed.push(`${row} AND msg_id=${big(last.msgId)} AND revision<${int(leastRevision)}`);
    changes.push(changedMessage(row, seal, last));
    await pause(last.content);
  }
  if (projections.length > 0 && create === undefined)
    changes.push(`UPDATE conversation SET projected_seq=${int(projectedSeq(commit))} WHERE conv_no=${no}`);
  const messages: string[] = [];
  for (const entry of entries) {
    // An entry of this very batch is written as it is after its change: its first content never reaches the database.
    messages.push(message(no, seal, entry, own.get(entry.msgId)));
    if (messages.length < entries.length || entry.content.length >= bytesAtOnce) await pause(entry.content);
  }
  await pause(entries.at(-1)?.content ?? '');
  return {
    commit,
    conversation: create === undefined ? undefined : conversationRow(no, commit),
    messages,
    members: members.toSorted(byUser).map((row) => memberRow(no, convId, row)),
    group: group === undefined ? undefined : groupRow(no, group),
    changes,
    conditions: {
      // Where nothing is made, the entry before must be there. None is before the first: that is refused as it has to be.
      before: create === undefined ? `[${no},${int(first - 1)}]` : undefined,
      changed,
      conversation: create === undefined && !named ? `conv_no=${no} AND conv_id=${text(convId)}` : undefined,
    },
  };
}

/** A change of an entry that was there before, and the lowest revision that its changes in this batch make. */
interface EarlierChange {
  readonly last: Projection;
  readonly leastRevision: number;
}

/** Changes of the batch's own entries by msg id, and of earlier ones in the order of their seq, the last of each. */
function sorted(
  { entries, projections }: ConversationCommit,
  first: Seq,
): { readonly own: ReadonlyMap<MsgId, Projection>; readonly earlier: readonly EarlierChange[] } {
  const own = new Map<MsgId, Projection>();
  const earlier = new Map<Seq, EarlierChange>();
  for (const projection of projections) {
    const { seq, msgId, revision } = projection;
    const before = earlier.get(seq);
    if ((seq >= first ? entries[seq - first] : (before?.last ?? projection))?.msgId !== msgId)
      throw new StoreError('rejected', `a projection names ${msgId} at seq ${seq}`);
    if (seq >= first) own.set(msgId, projection);
    else
      earlier.set(seq, {
        last: projection,
        leastRevision: Math.min(revision, before?.leastRevision ?? revision),
      });
  }
  return { own, earlier: [...earlier.values()].toSorted((one, other) => one.last.seq - other.last.seq) };
}

function projectedSeq({ entries, projections }: ConversationCommit): number {
  if (projections.length === 0) return 0;
  return (entries.findLast((entry) => entry.kind !== 'message') ?? entries.at(-1))?.seq ?? 0;
}

function message(
  no: string,
  seal: ConversationSeal,
  entry: NewEntry,
  change: Projection | undefined,
): string {
  const { seq, msgId, kind, ord, sender, createdAtMs, clientKey } = entry;
  const { revision = 0, recalled = false, content = entry.content } = change ?? {};
  const { keyId, bytes: sealed } = seal.seal(msgId, revision, content);
  const key = clientKey === undefined ? 'NULL' : keyLiteral(clientKey);
  return (
    `(${no},${int(seq)},${big(msgId)},${entryKindCode(kind)},${recalled ? 1 : 0},${int(revision)},${int(ord)},` +
    `${int(createdAtMs)},${int(keyId)},${key},${text(sender)},${bytes(sealed)})`
  );
}

function changedMessage(row: string, seal: ConversationSeal, projection: Projection): string {
  const { msgId, revision, recalled, content } = projection;
  const { keyId, bytes: sealed } = seal.seal(msgId, revision, content);
  return (
    `UPDATE message SET revision=${int(revision)},status=${recalled ? 1 : 0},key_id=${int(keyId)},` +
    `body=${bytes(sealed)} WHERE ${row}`
  );
}

function conversationRow(no: string, commit: ConversationCommit): string {
  const { convId, create = 'group', members } = commit;
  const [one, two] = create === 'direct' ? members.map((member) => text(member.userId)) : [];
  return `(${no},${text(convId)},${conversationKindCode(create)},${one ?? 'NULL'},${two ?? 'NULL'},${int(projectedSeq(commit))})`;
}

function memberRow(no: string, convId: ConvId, row: MemberRow): string {
  const { userId, role, joinedSeq, joinedOrd, leftSeq, leftOrd, rev } = row;
  const numbers = [joinedSeq, joinedOrd, leftSeq, leftOrd].map(int).join(',');
  return `(${no},${text(userId)},${text(convId)},${roleCode(role)},${numbers},${big(rev)})`;
}

function groupRow(no: string, row: GroupRow): string {
  const { name, owner, maxMembers, history, memberCount, version } = row;
  return list([
    no,
    text(name),
    text(owner),
    int(maxMembers),
    String(visibilityCode(history)),
    int(memberCount),
    int(version),
  ]);
}

function byUser(one: MemberRow, other: MemberRow): number {
  return one.userId < other.userId ? -1 : one.userId > other.userId ? 1 : 0;
}
