import type { ByteString } from '../../core/byte-string.ts';
import { setImmediate as turn } from 'node:timers/promises';
import type { ConvId, ConvNo, MsgId, Seq, UserId } from '../../core/ids.ts';
import {
  type ClientKey,
  type ConversationSnapshot,
  type HeadSnapshot,
  type CursorRow,
  type Duplicate,
  type EntryPlace,
  type MemberRow,
  type Membership,
  StoreError,
  type StoredEntry,
} from '../../ports/message-store.ts';
import type { Conversation, Conversations } from './conversations.ts';
import type { Database } from './database.ts';
import { findDuplicate } from './duplicates.ts';
import {
  after,
  convByNameKey,
  convKey,
  convUserKey,
  entryKey,
  membershipKey,
  membershipOf,
  membershipsPrefix,
  prefixRange,
  table,
} from './keys.ts';
import type { LevelSnapshot } from './level.ts';
import { findPlace } from './places.ts';
import {
  decodeConvNo,
  decodeCursorRow,
  decodeEntryRow,
  decodeGroupRow,
  decodeHeadRow,
  decodeMemberRow,
  decodeMembershipRow,
  type EntryRow,
  type MembershipRow,
} from './rows.ts';

// Synchronous look-ups cost half of asynchronous ones, but hold up the commits behind them: after so many, others first.
const rowsAtOnce = 64;
const walkAtOnce = 512;

/** Everything that is read besides what a commit needs. */
export class Reads {
  readonly #database: Database;
  readonly #conversations: Conversations;

  constructor(database: Database, conversations: Conversations) {
    this.#database = database;
    this.#conversations = conversations;
  }

  async load(convIds: readonly ConvId[]): Promise<(ConversationSnapshot | undefined)[]> {
    const found: (ConversationSnapshot | undefined)[] = [];
    await using snapshot = this.#snapshot();
    for (const [at, convId] of convIds.entries()) {
      if (at > 0 && at % rowsAtOnce === 0) await turn();
      found.push(await this.#loadOne(convId, snapshot.at));
    }
    return found;
  }

  async heads(convIds: readonly ConvId[]): Promise<(HeadSnapshot | undefined)[]> {
    const found: (HeadSnapshot | undefined)[] = [];
    for (const [at, convId] of convIds.entries()) {
      if (at > 0 && at % rowsAtOnce === 0) await turn();
      const named = this.#database.level.getSync(convByNameKey(convId));
      const conversation = named && this.#conversations.get(decodeConvNo(named));
      const { seq = 0, ord = 0, msgId = 0n, projectedSeq = 0 } = conversation?.head ?? {};
      found.push(conversation && { convId, head: { seq, ord, msgId }, projectedSeq });
    }
    return found;
  }

  async #loadOne(convId: ConvId, snapshot: LevelSnapshot): Promise<ConversationSnapshot | undefined> {
    const { level } = this.#database;
    const named = level.getSync(convByNameKey(convId), { snapshot });
    if (named === undefined) return undefined;
    const convNo = decodeConvNo(named);
    const conversation = this.#conversations.read(convNo, snapshot);
    if (conversation === undefined) throw new RangeError(`${convId} leads to no conversation`);
    const { kind, users } = conversation.row;
    const { seq, ord, msgId, projectedSeq } = conversation.head;
    const group = kind === 'group' ? level.getSync(convKey(table.group, convNo), { snapshot }) : undefined;
    return {
      convNo,
      convId,
      kind,
      head: { seq, ord, msgId },
      projectedSeq,
      group: group && decodeGroupRow(group),
      members:
        kind === 'direct' ? this.#members(convNo, users, snapshot) : await this.#allMembers(convNo, snapshot),
    };
  }

  #members(convNo: ConvNo, users: readonly UserId[], snapshot: LevelSnapshot): MemberRow[] {
    const { level } = this.#database;
    return users
      .map((user) => level.getSync(convUserKey(table.member, convNo, user), { snapshot }))
      .filter((row) => row !== undefined)
      .map(decodeMemberRow);
  }

  async #allMembers(convNo: ConvNo, snapshot: LevelSnapshot): Promise<MemberRow[]> {
    const rows = await this.#values(
      prefixRange(convKey(table.member, convNo)),
      Number.POSITIVE_INFINITY,
      snapshot,
    );
    return rows.map(decodeMemberRow);
  }

  async range(convNo: ConvNo, from: Seq, to: Seq, limit: number, backward: boolean): Promise<StoredEntry[]> {
    const conversation = this.#conversations.get(convNo);
    if (conversation === undefined) return [];
    const first = Math.max(from, 1);
    const last = Math.min(to, conversation.head.seq);
    const low = backward ? Math.max(first, last - limit + 1) : first;
    const high = backward ? last : Math.min(last, first + limit - 1);
    const entries: StoredEntry[] = [];
    for (let seq = low; seq <= high; seq++) {
      if (seq > low && (seq - low) % rowsAtOnce === 0) await turn();
      entries.push(this.#entry(convNo, conversation, seq));
    }
    return entries;
  }

  #entry(convNo: ConvNo, conversation: Conversation, seq: Seq): StoredEntry {
    const value = this.#database.level.getSync(entryKey(convNo, seq));
    if (value === undefined) throw new RangeError(`entry ${seq} of conversation ${convNo} is missing`);
    const row = decodeEntryRow(value);
    const { msgId, kind, ord, sender, createdAtMs, recalled, revision } = row;
    return {
      seq,
      msgId,
      kind,
      ord,
      sender,
      createdAtMs,
      recalled,
      revision,
      content: open(conversation, seq, row),
    };
  }

  findClientKeys(convNo: ConvNo, keys: readonly ClientKey[]): Duplicate[] {
    const { level } = this.#database;
    return keys.map((key) => findDuplicate(level, convNo, key)).filter((found) => found !== undefined);
  }

  async locate(msgId: MsgId): Promise<EntryPlace | undefined> {
    const place = await findPlace(this.#database.level, msgId);
    const conversation = place && this.#conversations.get(place.convNo);
    return conversation && { convId: conversation.row.convId, seq: place.seq };
  }

  async memberships(userId: UserId, afterConv: ConvId | undefined, limit: number): Promise<Membership[]> {
    await using snapshot = this.#snapshot();
    const prefix = membershipsPrefix(userId);
    const from = afterConv === undefined ? { gte: prefix } : { gt: membershipKey(userId, afterConv) };
    const found = await this.#entries({ ...from, lt: after(prefix) }, limit, snapshot.at);
    const memberships: Membership[] = [];
    for (let at = 0; at < found.length; at += rowsAtOnce)
      memberships.push(...(await this.#complete(userId, found.slice(at, at + rowsAtOnce), snapshot.at)));
    return memberships;
  }

  /** Adds what a list shows besides the membership itself: off this thread, since a list can be long. */
  async #complete(
    userId: UserId,
    found: readonly (readonly [Buffer, Buffer])[],
    snapshot: LevelSnapshot,
  ): Promise<Membership[]> {
    const rows = found.map(([key, value]) => ({
      convId: membershipOf(key).convId,
      row: decodeMembershipRow(value),
    }));
    const values = await this.#database.level.getMany(
      rows.flatMap(({ row }) => membershipKeys(userId, row)),
      { snapshot },
    );
    return rows.map(({ convId, row }, at): Membership => {
      const [headValue, cursorValue, third] = values.slice(3 * at, 3 * at + 3);
      if (headValue === undefined) throw new RangeError(`conversation ${row.convNo} has no head`);
      const { seq, ord, msgId } = decodeHeadRow(headValue);
      return {
        convNo: row.convNo,
        convId,
        kind: row.kind,
        member: row.member,
        head: { seq, ord, msgId },
        peer: row.peer,
        cursor: cursorValue && decodeCursorRow(cursorValue),
        peerCursor: row.kind === 'direct' && third !== undefined ? decodeCursorRow(third) : undefined,
        group: row.kind === 'group' && third !== undefined ? decodeGroupRow(third) : undefined,
      };
    });
  }

  async cursors(convNo: ConvNo, users: readonly UserId[] | undefined): Promise<CursorRow[]> {
    if (users === undefined) {
      await using snapshot = this.#snapshot();
      const range = prefixRange(convKey(table.cursor, convNo));
      return (await this.#values(range, Number.POSITIVE_INFINITY, snapshot.at)).map(decodeCursorRow);
    }
    const keys = users.map((user) => convUserKey(table.cursor, convNo, user));
    const values = await this.#database.level.getMany(keys);
    return values.filter((value) => value !== undefined).map(decodeCursorRow);
  }

  async #values(
    range: { readonly gte: Buffer; readonly lt: Buffer },
    limit: number,
    snapshot: LevelSnapshot,
  ): Promise<Buffer[]> {
    return (await this.#entries(range, limit, snapshot)).map(([, value]) => value);
  }

  async #entries(
    range: { readonly gte?: Buffer; readonly gt?: Buffer; readonly lt: Buffer },
    limit: number,
    snapshot: LevelSnapshot,
  ): Promise<[Buffer, Buffer][]> {
    const found: [Buffer, Buffer][] = [];
    const iterator = this.#database.level.iterator({ ...range, snapshot });
    try {
      while (found.length < limit) {
        const some = await iterator.nextv(Math.min(walkAtOnce, limit - found.length));
        if (some.length === 0) break;
        for (const entry of some) found.push(entry);
      }
    } finally {
      await iterator.close();
    }
    return found;
  }

  #snapshot(): { readonly at: LevelSnapshot } & AsyncDisposable {
    const at = this.#database.level.snapshot();
    return { at, [Symbol.asyncDispose]: () => at.close() };
  }
}

function open({ row, seal }: Conversation, seq: Seq, entry: EntryRow): ByteString {
  try {
    return seal.open(entry.msgId, entry.revision, { keyId: entry.keyId, bytes: entry.sealed });
  } catch (cause) {
    throw new StoreError('unavailable', `entry ${seq} of ${row.convId} does not open`, cause);
  }
}

/** Head, own cursor, and the group or the other user's cursor. */
function membershipKeys(userId: UserId, row: MembershipRow): Buffer[] {
  const { convNo } = row;
  return [
    convKey(table.head, convNo),
    convUserKey(table.cursor, convNo, userId),
    row.kind === 'group'
      ? convKey(table.group, convNo)
      : convUserKey(table.cursor, convNo, row.peer ?? userId),
  ];
}
