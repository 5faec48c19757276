import { setImmediate as turn } from 'node:timers/promises';
import type { ConvId, ConvNo, MsgId, Seq, UserId } from '../../core/ids.ts';
import {
  type ClientKey,
  type CursorRow,
  type Duplicate,
  type EntryPlace,
  type StoredEntry,
} from '../../ports/message-store.ts';
import type { Database } from './database.ts';
import { convIdOf, cursorColumns, cursorOf, textOf } from './rows.ts';
import type { Names, Seals } from './seals.ts';
import { openRow, sealedColumns, sealedRow } from './sealed-row.ts';
import { SharedPages } from './shared-pages.ts';
import { big, clientKey, int, list, text } from './sql.ts';
import { duplicateColumns, duplicateOf } from './standing.ts';

/** Bodies opened in one turn of the event loop: about a millisecond. */
const entriesAtOnce = 128;

export interface ReadsParts {
  readonly database: Database;
  readonly seals: Seals;
  readonly names: Names;
  /** Where nodes share pages of history. */
  readonly pages: SharedPages | undefined;
}

/** What is read besides heads and lists. */
export class Reads {
  readonly #database: Database;
  readonly #seals: Seals;
  readonly #names: Names;
  readonly #pages: SharedPages | undefined;

  constructor({ database, seals, names, pages }: ReadsParts) {
    this.#database = database;
    this.#seals = seals;
    this.#names = names;
    this.#pages = pages;
  }

  async range(
    convNo: ConvNo,
    from: Seq,
    to: Seq,
    limit: number,
    backward: boolean,
    asOf?: Seq,
  ): Promise<readonly StoredEntry[]> {
    const first = Math.max(from, 1);
    if (to < first) return [];
    if (
      asOf !== undefined &&
      this.#pages !== undefined &&
      SharedPages.serves(first, to) &&
      to - first < limit
    )
      return this.#shared(this.#pages, convNo, first, to, asOf);
    const no = big(convNo);
    const page = selectRows(convNo, first, to, `${backward ? 'DESC' : 'ASC'} LIMIT ${int(limit)}`);
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
      entries.push(openRow(sealedRow(each), seal, convId));
    }
    return backward ? entries.reverse() : entries;
  }

  /** The entries from … to through the cache that nodes share. */
  async #shared(
    pages: SharedPages,
    convNo: ConvNo,
    from: Seq,
    to: Seq,
    asOf: Seq,
  ): Promise<readonly StoredEntry[]> {
    const convId = await this.#nameOf(convNo);
    if (convId === undefined) return [];
    const seal = this.#seals.of(convId);
    return pages.entries({
      ...{ convId, from, to, asOf },
      open: (row) => openRow(row, seal, convId),
      read: async (first, last) => {
        const [found] = await this.#database.read(selectRows(convNo, first, last, 'ASC'));
        return (found?.rows ?? []).map(sealedRow);
      },
    });
  }

  async #nameOf(convNo: ConvNo): Promise<ConvId | undefined> {
    const known = this.#names.get(convNo);
    if (known !== undefined) return known;
    const [found] = await this.#database.read(
      `SELECT conv_id FROM conversation WHERE conv_no = ${big(convNo)}`,
    );
    const [row] = found?.rows ?? [];
    if (row === undefined) return undefined;
    const convId = convIdOf(row[0]);
    this.#names.set(convNo, convId);
    return convId;
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

function selectRows(convNo: ConvNo, from: Seq, to: Seq, order: string): string {
  return (
    `SELECT ${sealedColumns} FROM message FORCE INDEX (PRIMARY) ` +
    `WHERE conv_no = ${big(convNo)} AND seq BETWEEN ${int(from)} AND ${int(to)} ORDER BY seq ${order}`
  );
}
