import type { DeadLetter, DeadLetters } from '../../ports/dead-letters.ts';
import { StoreError } from '../../ports/message-store.ts';
import { Database, type DatabaseOptions } from './database.ts';
import { changeRows } from './leases.ts';
import type { Row } from './session.ts';
import { int, text } from './sql.ts';

export interface MySqlDeadLettersOptions extends DatabaseOptions {
  /** Letters that are kept of each endpoint, about; all processes together. */
  readonly limit: number;
}

/** How many letters of an endpoint come in between two looks at how many there are. */
const trimEvery = 50;
/** How many go in one statement. */
const trimRows = 500;
const reasonBytes = 4_096;
/** Bytes of bodies that are read at once, about. */
const pageRows = 100;
const columns =
  'id, endpoint, type, conv_id, first_seq, last_seq, occurred_at, failed_at, attempts, reason, body';

/** Dead letters beside the messages of a cluster: any push node adds to them, and the command line reads them. */
export class MySqlDeadLetters implements DeadLetters {
  readonly #database: Database;
  readonly #limit: number;
  /** By endpoint: letters since it was last looked how many there are. */
  readonly #added = new Map<string, number>();
  #trimming: Promise<void> = Promise.resolve();
  dropped = 0;

  private constructor(database: Database, limit: number) {
    this.#database = database;
    this.#limit = limit;
  }

  /** Rejects with a StoreError where the database is not there, or holds no store: opening one makes the tables. */
  static async open(options: MySqlDeadLettersOptions): Promise<MySqlDeadLetters> {
    const database = await Database.open(options);
    try {
      const [found] = await database.read("SHOW TABLES LIKE 'dead_letter'");
      if (found?.rows.length !== 1)
        throw new StoreError('unavailable', 'there is no store in this database, or one of an older version');
      return new MySqlDeadLetters(database, options.limit);
    } catch (error) {
      await database.close();
      throw error;
    }
  }

  async add(letter: DeadLetter): Promise<void> {
    const values = [
      text(letter.id),
      text(letter.endpoint),
      text(letter.type),
      text(letter.convId),
      int(letter.firstSeq),
      int(letter.lastSeq),
      int(letter.occurredAtMs),
      int(letter.failedAtMs),
      int(letter.attempts),
      text(cut(letter.reason)),
      text(letter.body),
    ];
    await changeRows(this.#database, `REPLACE INTO dead_letter (${columns}) VALUES (${values.join(',')})`);
    const added = (this.#added.get(letter.endpoint) ?? 0) + 1;
    this.#added.set(letter.endpoint, added % trimEvery);
    if (added < trimEvery) return;
    // One at a time. The letter is kept whether this works or not; it is tried again.
    this.#trimming = this.#trimming.then(() => this.#trim(letter.endpoint)).catch(() => {});
    await this.#trimming;
  }

  async list(limit: number, endpoint?: string): Promise<readonly DeadLetter[]> {
    const letters: DeadLetter[] = [];
    // Page by page, since bodies may be large.
    for (let after: DeadLetter | undefined; letters.length < limit; after = letters.at(-1)) {
      const wanted = Math.min(pageRows, limit - letters.length);
      const conditions = [
        ...(endpoint === undefined ? [] : [`endpoint = ${text(endpoint)}`]),
        ...(after === undefined ? [] : [beside('>', after)]),
      ];
      const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
      const [found] = await this.#database.read(
        `SELECT ${columns} FROM dead_letter ${where} ORDER BY occurred_at, id LIMIT ${int(wanted)}`,
      );
      const page = (found?.rows ?? []).map(letterOf);
      letters.push(...page);
      if (page.length < wanted) break;
    }
    return letters;
  }

  async find(ids: readonly string[]): Promise<readonly DeadLetter[]> {
    const letters: DeadLetter[] = [];
    for (let at = 0; at < ids.length; at += pageRows) {
      const wanted = ids
        .slice(at, at + pageRows)
        .map(text)
        .join(',');
      const [found] = await this.#database.read(`SELECT ${columns} FROM dead_letter WHERE id IN (${wanted})`);
      letters.push(...(found?.rows ?? []).map(letterOf));
    }
    return letters.sort((a, b) => a.occurredAtMs - b.occurredAtMs || (a.id < b.id ? -1 : 1));
  }

  async remove({ id }: DeadLetter): Promise<void> {
    await changeRows(this.#database, `DELETE FROM dead_letter WHERE id = ${text(id)}`);
  }

  async close(): Promise<void> {
    await this.#trimming;
    await this.#database.close();
  }

  /**
   * All that is older than the oldest letter within the limit goes. By what they are and not by how many, so that nodes
   * that do this at once, or a statement that is run again, delete the same ones; and by id, so that letters of others
   * are not locked.
   */
  async #trim(endpoint: string): Promise<void> {
    const own = `endpoint = ${text(endpoint)}`;
    const [oldest] = await this.#database.read(
      `SELECT occurred_at, id FROM dead_letter WHERE ${own}
        ORDER BY occurred_at DESC, id DESC LIMIT 1 OFFSET ${int(this.#limit - 1)}`,
    );
    const [row] = oldest?.rows ?? [];
    if (row === undefined) return;
    const over = `${own} AND ${beside('<', { occurredAtMs: Number(row[0]), id: String(row[1]) })}`;
    for (;;) {
      const [found] = await this.#database.read(
        `SELECT id FROM dead_letter WHERE ${over} ORDER BY occurred_at, id LIMIT ${int(trimRows)}`,
      );
      const ids = (found?.rows ?? []).map(([id]) => text(String(id)));
      if (ids.length === 0) return;
      const gone = `DELETE FROM dead_letter WHERE id IN (${ids.join(',')}) AND ${over}`;
      this.dropped += await changeRows(this.#database, gone);
      if (ids.length < trimRows) return;
    }
  }
}

/** Those that are listed before (`<`) or after (`>`) a letter. */
function beside(side: '<' | '>', { occurredAtMs, id }: Pick<DeadLetter, 'occurredAtMs' | 'id'>): string {
  const [at, own] = [int(occurredAtMs), text(id)];
  return `(occurred_at ${side} ${at} OR (occurred_at = ${at} AND id ${side} ${own}))`;
}

function letterOf(row: Row): DeadLetter {
  const [id, endpoint, type, convId, firstSeq, lastSeq, occurredAtMs, failedAtMs, attempts, reason, body] =
    row;
  return {
    id: String(id),
    endpoint: String(endpoint),
    type: String(type),
    convId: String(convId),
    firstSeq: Number(firstSeq),
    lastSeq: Number(lastSeq),
    occurredAtMs: Number(occurredAtMs),
    failedAtMs: Number(failedAtMs),
    attempts: Number(attempts),
    reason: String(reason),
    body: String(body),
  };
}

/** As much of a reason as there is room for, in whole characters. */
function cut(reason: string): string {
  const sound = reason.toWellFormed();
  if (Buffer.byteLength(sound) <= reasonBytes) return sound;
  return sound.slice(0, reasonBytes / 4).toWellFormed();
}
