import type { ConvNo, Seq, UserId } from '../../core/ids.ts';
import type { GroupRow, MemberRow, NewEntry, Projection } from '../../ports/message-store.ts';
import type { ClientKeyFilter } from './client-keys.ts';
import { clientKeyKey, convByNameKey, convKey, convUserKey, entryKey, membershipKey, table } from './keys.ts';
import type { Level } from './level.ts';
import type { Place, Places } from './places.ts';
import {
  type ConversationRow,
  type EntryRow,
  encodeConversationRow,
  encodeConvNo,
  encodeEntryRow,
  encodeGroupRow,
  encodeHeadRow,
  encodeMemberRow,
  encodeMembershipRow,
  encodeSeq,
  type HeadRow,
} from './rows.ts';
import type { LevelBatch } from './schema.ts';
import type { ConversationSeal } from '../../core/seal.ts';

/** Puts what a commit changes into one LevelDB batch: each thing with all the rows by which it is found. */
export class RowBatch {
  readonly #batch: LevelBatch;
  readonly #clientKeys: ClientKeyFilter;
  readonly #places: Places;
  readonly #placed: Place[] = [];

  constructor(level: Level, clientKeys: ClientKeyFilter, places: Places) {
    this.#batch = level.batch();
    this.#clientKeys = clientKeys;
    this.#places = places;
  }

  write(sync: boolean): Promise<void> {
    this.#places.put(this.#batch, this.#placed);
    return this.#batch.write({ sync });
  }

  discard(): Promise<void> {
    return this.#batch.close();
  }

  conversation(convNo: ConvNo, row: ConversationRow): void {
    this.#batch.put(convByNameKey(row.convId), encodeConvNo(convNo));
    this.#batch.put(convKey(table.conversation, convNo), encodeConversationRow(row));
  }

  head(convNo: ConvNo, row: HeadRow): void {
    this.#batch.put(convKey(table.head, convNo), encodeHeadRow(row));
  }

  group(convNo: ConvNo, row: GroupRow): void {
    this.#batch.put(convKey(table.group, convNo), encodeGroupRow(row));
  }

  member(convNo: ConvNo, of: ConversationRow, member: MemberRow): void {
    const { userId } = member;
    const listed = { convNo, kind: of.kind, peer: peerOf(of, userId), member };
    this.#batch.put(convUserKey(table.member, convNo, userId), encodeMemberRow(member));
    this.#batch.put(membershipKey(userId, of.convId), encodeMembershipRow(listed));
  }

  outbox({ key, value }: { readonly key: Buffer; readonly value: Buffer }): void {
    this.#batch.put(key, value);
  }

  /** A new entry, as it is after `change` where its own batch changes it. */
  entry(convNo: ConvNo, seal: ConversationSeal, entry: NewEntry, change: Projection | undefined): void {
    const { seq, msgId, kind, ord, sender, createdAtMs, clientKey } = entry;
    const { revision = 0, recalled = false, content = entry.content } = change ?? {};
    const { keyId, bytes: sealed } = seal.seal(msgId, revision, content);
    const row = { msgId, kind, ord, sender, createdAtMs, recalled, revision, clientKey, keyId, sealed };
    this.#batch.put(entryKey(convNo, seq), encodeEntryRow(row));
    this.#placed.push({ msgId, convNo, seq });
    if (clientKey === undefined) return;
    const key = clientKeyKey(convNo, clientKey);
    this.#clientKeys.add(key);
    this.#batch.put(key, encodeSeq(seq));
  }

  /** An earlier entry with another content: the old one is gone from its row. */
  changed(convNo: ConvNo, seq: Seq, seal: ConversationSeal, row: EntryRow, change: Projection): void {
    const { revision, recalled, content } = change;
    const { keyId, bytes: sealed } = seal.seal(row.msgId, revision, content);
    this.#batch.put(entryKey(convNo, seq), encodeEntryRow({ ...row, revision, recalled, keyId, sealed }));
  }
}

/** The other user of a direct conversation; the user himself where he talks to himself. */
export function peerOf(row: ConversationRow, user: UserId): UserId | undefined {
  if (row.kind !== 'direct') return undefined;
  return row.users.find((other) => other !== user) ?? user;
}
