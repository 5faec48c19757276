import { setImmediate as turn } from 'node:timers/promises';
import type { ByteString } from '../../core/byte-string.ts';
import type { ConvNo, MsgId, Seq, UserId } from '../../core/ids.ts';
import type { ConversationSeal } from '../../core/seal.ts';
import {
  type ClientKey,
  type CursorRow,
  type Duplicate,
  type EntryPlace,
  StoreError,
  type StoredEntry,
} from '../../ports/message-store.ts';
import { entryKindAt } from '../../ports/stored-words.ts';
import type { Database } from './database.ts';
import { messageOf } from './failure.ts';
import { bigOf, convIdOf, cursorColumns, cursorOf, textOf } from './rows.ts';
import type { Names, Seals } from './seals.ts';
import type { Row } from './session.ts';
import { big, clientKey, int, list, text } from './sql.ts';
import { duplicateColumns, duplicateOf } from './standing.ts';

/** Bodies opened in one turn of the event loop: about a millisecond. */
const entriesAtOnce = 128;

const entryColumns = 'seq, msg_id, kind, ord, sender, created_at, status, revision, key_id, body';

/** What is read besides heads and lists. */
export class Reads {
  readonly #database: Database;
  readonly #seals: Seals;
  readonly #names: Names;

  constructor(database: Database, seals: Seals, names: Names) {
    this.#database = database;
    this.#seals = seals;
    this.#names = names;
  }

  async range(
    convNo: ConvNo,
    from: Seq,
    to: Seq,
    limit: number,
    backward: boolean,
  ): Promise<readonly StoredEntry[]> {
    const first = Math.max(from, 1);
    if (to < first) return [];
    const no = big(convNo);
    const page =
      `SELECT ${entryColumns} FROM message FORCE INDEX (PRIMARY) WHERE conv_no = ${no} AND seq BETWEEN ${int(first)} AND ${int(to)} ` +
      `ORDER BY seq ${backward ? 'DESC' : 'ASC'} LIMIT ${int(limit)}`;
    let convId = this.#names.get(convNo);
    const [found, named] = await this.#database.read(
      convId === undefined ? `${page};SELECT conv_id FROM conversation WHERE conv_no = ${no}` : page,
    );
    const [row] = named?.rows ?? [];
    if (row !== undefined) {
      convId = convIdOf(row[0]);
      this.#names.set(convNo, convId);
    }
    if (convId === undefined) return [];
    const seal = this.#seals.of(convId);
    const entries: StoredEntry[] = [];
    for (const each of found?.rows ?? []) {
      if (entries.length > 0 && entries.length % entriesAtOnce === 0) await turn();
      entries.push(opened(each, seal, convId));
    }
    return backward ? entries.reverse() : entries;
  }

  async findClientKeys(convNo: ConvNo, keys: readonly ClientKey[]): Promise<readonly Duplicate[]> {
    if (keys.length === 0) return [];
    const [found] = await this.#database.read(
      `SELECT ${duplicateColumns} FROM message FORCE INDEX (client_key)
        WHERE conv_no = ${big(convNo)} AND client_key IN ${list(keys.map(clientKey))}`,
    );
    const byKey = new Map((found?.rows ?? []).map(duplicateOf).map((one) => [one.clientKey, one]));
    return keys.map((key) => byKey.get(key)).filter((one) => one !== undefined);
  }

  async locate(msgId: MsgId): Promise<EntryPlace | undefined> {
    const [found] = await this.#database.read(
      `SELECT c.conv_id, m.seq FROM message m JOIN conversation c ON c.conv_no = m.conv_no
        WHERE m.msg_id = ${big(msgId)} LIMIT 1`,
    );
    const [row] = found?.rows ?? [];
    return row && { convId: convIdOf(row[0]), seq: Number(row[1]) };
  }

  async cursors(convNo: ConvNo, users: readonly UserId[] | undefined): Promise<readonly CursorRow[]> {
    const select = `SELECT ${cursorColumns} FROM conversation_cursor WHERE conv_no = ${big(convNo)}`;
    if (users === undefined) {
      const [found] = await this.#database.read(select);
      return (found?.rows ?? []).map((row) => cursorOf(convNo, row));
    }
    // Also for nobody: a store that is closed says so.
    const [found] = await this.#database.read(
      `${select} AND user_id IN ${list(users.length > 0 ? users.map(text) : ['NULL'])}`,
    );
    const byUser = new Map((found?.rows ?? []).map((row) => [textOf(row[0]), cursorOf(convNo, row)]));
    return users.map((user) => byUser.get(user)).filter((row) => row !== undefined);
  }
}

function opened(row: Row, seal: ConversationSeal, convId: string): StoredEntry {
  const [seq, msgId, kind, ord, sender, createdAt, status, revision] = row;
  return {
    seq: Number(seq),
    msgId: bigOf(msgId),
    kind: entryKindAt(Number(kind)),
    ord: Number(ord),
    sender: textOf(sender),
    createdAtMs: Number(createdAt),
    recalled: status === 1,
    revision: Number(revision),
    content: contentOf(row, seal, convId),
  };
}

function contentOf(row: Row, seal: ConversationSeal, convId: string): ByteString {
  const [seq, msgId] = row;
  const [revision, keyId, body] = row.slice(7);
  try {
    return seal.open(bigOf(msgId), Number(revision), { keyId: Number(keyId), bytes: body as Buffer });
  } catch (cause) {
    throw new StoreError(
      'unavailable',
      `entry ${seq} of ${convId} does not open: ${messageOf(cause)}`,
      cause,
    );
  }
}
