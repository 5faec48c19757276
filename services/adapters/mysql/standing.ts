import type { ConvId, ConvNo, MsgId, Seq } from '../../core/ids.ts';
import {
  type ClientKey,
  type CommitOutcome,
  type ConversationCommit,
  type Duplicate,
  type NewEntry,
  StoreError,
} from '../../ports/message-store.ts';
import { entryKindAt } from '../../ports/stored-words.ts';
import type { Database } from './database.ts';
import { lastSeq } from './rows.ts';
import type { Row, Session } from './session.ts';
import { big, clientKey as keyLiteral, int, list, text } from './sql.ts';

/** What the database has of the conversations of a batch, read in one snapshot. */
export interface Standing {
  readonly epoch: string;
  /** The first part under which the batch's outbox row has not been written. */
  readonly nextPart: number;
  readonly byNo: ReadonlyMap<ConvNo, ConvId>;
  readonly byId: ReadonlyMap<ConvId, ConvNo>;
  readonly heads: ReadonlyMap<ConvNo, Seq>;
  readonly entries: ReadonlyMap<string, StandingEntry>;
  readonly duplicates: ReadonlyMap<string, Duplicate>;
}

interface StandingEntry {
  readonly msgId: MsgId;
  readonly revision: number;
}

/** Reads heads, entries and client keys of these conversations: what decides whether they can be written. */
export async function readStanding(
  database: Database,
  batchId: bigint,
  commits: readonly ConversationCommit[],
): Promise<Standing> {
  return database.reading(async (session) => {
    const nos = list(commits.map(({ convNo }) => big(convNo)));
    const ids = list(commits.map(({ convId }) => text(convId)));
    const [, epochs, parts, conversations] = await ask(
      database,
      session,
      'START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY',
      'SELECT epoch FROM store_epoch',
      `SELECT COALESCE(MAX(part) + 1, 0) FROM outbox WHERE batch_id = ${big(batchId)}`,
      `SELECT conv_no, conv_id, ${lastSeq('c')}
        FROM conversation c WHERE conv_no IN ${nos} OR conv_id IN ${ids}`,
    );
    const found = (conversations ?? []).map(([no, id, head]) => ({
      convNo: BigInt(no as string),
      convId: String(id) as ConvId,
      head: Number(head ?? 0),
    }));
    const byId = new Map(found.map(({ convNo, convId }) => [convId, convNo]));
    const [entries, duplicates] = await ask(
      database,
      session,
      entriesQuery(commits),
      keysQuery(commits, byId),
      'COMMIT',
    );
    return {
      epoch: String(epochs?.[0]?.[0] ?? ''),
      nextPart: Number(parts?.[0]?.[0] ?? 0),
      byNo: new Map(found.map(({ convNo, convId }) => [convNo, convId])),
      byId,
      heads: new Map(found.map(({ convNo, head }) => [convNo, head])),
      entries: new Map(
        (entries ?? []).map(([no, seq, msgId, revision]) => [
          `${no} ${seq}`,
          { msgId: BigInt(msgId as string), revision: Number(revision) },
        ]),
      ),
      duplicates: new Map(
        (duplicates ?? []).map((row) => [`${row[0]} ${latin1(row[1])}`, duplicateOf(row.slice(1))]),
      ),
    };
  }, true);
}

/** client_key, seq, msg_id, kind, created_at. */
export const duplicateColumns = 'client_key, seq, msg_id, kind, created_at';

export function duplicateOf([clientKey, seq, msgId, kind, createdAtMs]: Row): Duplicate {
  return {
    clientKey: latin1(clientKey) as ClientKey,
    seq: Number(seq),
    msgId: BigInt(msgId as string),
    kind: entryKindAt(Number(kind)),
    createdAtMs: Number(createdAtMs),
  };
}

function latin1(value: unknown): string {
  return (value as Buffer).toString('latin1');
}

/** The rows at the places that these commits write or change. */
function entriesQuery(commits: readonly ConversationCommit[]): string {
  const places = commits.map(({ convNo, entries, projections }) => {
    const first = (entries[0] as NewEntry).seq;
    const last = (entries.at(-1) as NewEntry).seq;
    const changed = projections.filter(({ seq }) => seq < first).map(({ seq }) => int(seq));
    const also = changed.length === 0 ? '' : ` OR seq IN ${list(changed)}`;
    return `conv_no=${big(convNo)} AND (seq BETWEEN ${int(first)} AND ${int(last)}${also})`;
  });
  return `SELECT conv_no, seq, msg_id, revision FROM message FORCE INDEX (PRIMARY) WHERE (${places.join(') OR (')})`;
}

function keysQuery(commits: readonly ConversationCommit[], byId: ReadonlyMap<ConvId, ConvNo>): string {
  const wanted: string[] = [];
  for (const { convNo, convId, create, entries } of commits) {
    const keys = entries.map(({ clientKey }) => clientKey).filter((key) => key !== undefined);
    const no = create === undefined ? convNo : (byId.get(convId) ?? convNo);
    if (keys.length > 0) wanted.push(`conv_no=${big(no)} AND client_key IN ${list(keys.map(keyLiteral))}`);
  }
  const where = wanted.length === 0 ? 'FALSE' : `(${wanted.join(') OR (')})`;
  return `SELECT conv_no, ${duplicateColumns} FROM message FORCE INDEX (client_key) WHERE ${where}`;
}

async function ask(
  database: Database,
  session: Session,
  ...statements: readonly string[]
): Promise<readonly (readonly Row[])[]> {
  const results = await session.query(statements.join(';'), database.readTimeoutMs);
  return results.map(({ rows }) => rows);
}

/**
 * What becomes of a conversation, given what stands; undefined where nothing is in its way. Throws a StoreError
 * `rejected` where it can never be written.
 */
export function outcomeOf(commit: ConversationCommit, standing: Standing): CommitOutcome | undefined {
  const { convId, create, entries } = commit;
  const convNo = create === undefined ? commit.convNo : (standing.byId.get(convId) ?? commit.convNo);
  const existing = standing.byNo.get(convNo);
  if (existing !== undefined && existing !== convId)
    throw new StoreError('rejected', `conversation ${convNo} is ${existing}, not ${convId}`);
  const first = (entries[0] as NewEntry).seq;
  const fresh = create === undefined ? standing.heads.get(convNo) === first - 1 : existing === undefined;
  const duplicates: Duplicate[] = [];
  for (const { clientKey } of entries) {
    const found = clientKey === undefined ? undefined : standing.duplicates.get(`${convNo} ${clientKey}`);
    if (found !== undefined) duplicates.push(found);
  }
  if (fresh && duplicates.length === 0) {
    assertProjectable(commit, first, standing);
    return undefined;
  }
  const stands = entries.every(({ seq, msgId }) => standing.entries.get(`${convNo} ${seq}`)?.msgId === msgId);
  if (convNo === commit.convNo && stands) return { t: 'committed' };
  return fresh ? { t: 'duplicate', duplicates } : { t: 'fenced', duplicates };
}

function assertProjectable(
  { convNo, projections }: ConversationCommit,
  first: Seq,
  standing: Standing,
): void {
  for (const { seq, msgId, revision } of projections) {
    if (seq >= first) continue;
    const row = standing.entries.get(`${convNo} ${seq}`);
    if (row === undefined || row.msgId !== msgId)
      throw new StoreError('rejected', `a projection names ${msgId} at seq ${seq}`);
    if (row.revision >= revision)
      throw new StoreError('rejected', `seq ${seq} has revision ${row.revision} already`);
  }
}
