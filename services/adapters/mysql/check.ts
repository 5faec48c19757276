import type { ConvId, ConvNo, Seq, UserId } from '../../core/ids.ts';
import type { ConversationSeal, KeyRing } from '../../core/seal.ts';
import { openTarget, targetHash } from '../../ports/device-codec.ts';
import type { StoreReport } from '../../ports/message-store.ts';
import { conversationKindCode, entryKindAt } from '../../ports/stored-words.ts';
import type { Database } from './database.ts';
import { messageOf, refusal } from './failure.ts';
import { bigOf, convIdOf, lastSeq, textOf } from './rows.ts';
import type { Row, Session } from './session.ts';
import { big, int, list, text } from './sql.ts';

const problemsKept = 100;
const rowsAtOnce = 500;
const progressEvery = 10_000;
/** Some queries walk a whole table. */
const queryTimeoutMs = 3_600_000;

interface Walked {
  readonly convNo: ConvNo;
  readonly convId: ConvId | undefined;
  readonly seal: ConversationSeal | undefined;
  seq: Seq;
  ord: number;
}

/**
 * Walks one snapshot of the whole store, on a connection of its own, and says what is wrong: each conversation's entries
 * in order, opened, found by their msg id; conversations, groups, members and cursors against each other. That rows and
 * their keys agree inside a table is the database's own business (CHECK TABLE).
 */
export class Check {
  readonly #session: Session;
  readonly #keys: KeyRing;
  readonly #onProgress: (entries: number) => void;
  readonly #problems: string[] = [];
  #entries = 0;

  private constructor(session: Session, keys: KeyRing, onProgress: (entries: number) => void) {
    this.#session = session;
    this.#keys = keys;
    this.#onProgress = onProgress;
  }

  static async run(
    database: Database,
    keys: KeyRing,
    onProgress: (entries: number) => void,
  ): Promise<StoreReport> {
    const session = await database.openSession('check');
    try {
      const check = new Check(session, keys, onProgress);
      const conversations = await check.#run();
      return { conversations, entries: check.#entries, problems: check.#problems };
    } catch (error) {
      throw refusal(error);
    } finally {
      session.end();
    }
  }

  async #run(): Promise<number> {
    await this.#select('START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY');
    const [count] = await this.#select('SELECT COUNT(*) FROM conversation');
    await this.#checkEntries();
    await this.#checkConversations();
    await this.#checkDevices();
    this.#onProgress(this.#entries);
    return Number(count?.[0]);
  }

  async #checkEntries(): Promise<void> {
    let walked: Walked | undefined;
    for (let at = { convNo: 0n, seq: 0 }; ; ) {
      const rows = await this.#select(
        `SELECT conv_no, seq, msg_id, kind, ord, revision, key_id, body FROM message
          WHERE conv_no > ${big(at.convNo)} OR (conv_no = ${big(at.convNo)} AND seq > ${int(at.seq)})
          ORDER BY conv_no, seq LIMIT ${rowsAtOnce}`,
      );
      if (rows.length === 0) return;
      const names = await this.#names(rows);
      for (const row of rows) {
        const convNo = bigOf(row[0]);
        if (walked?.convNo !== convNo) walked = this.#begin(convNo, names.get(convNo));
        this.#checkEntry(walked, row);
        this.#entries += 1;
        if (this.#entries % progressEvery === 0) this.#onProgress(this.#entries);
        at = { convNo, seq: walked.seq };
      }
      await this.#checkMsgIds(rows);
    }
  }

  async #names(rows: readonly Row[]): Promise<ReadonlyMap<ConvNo, ConvId>> {
    const nos = [...new Set(rows.map(([no]) => no as string))];
    const found = await this.#select(
      `SELECT conv_no, conv_id FROM conversation WHERE conv_no IN ${list(nos)}`,
    );
    return new Map(found.map(([no, convId]) => [bigOf(no), convIdOf(convId)]));
  }

  #begin(convNo: ConvNo, convId: ConvId | undefined): Walked {
    if (convId === undefined) this.#say(`entries belong to no conversation: ${convNo}`);
    return { convNo, convId, seal: convId && this.#keys.of(convId), seq: 0, ord: 0 };
  }

  #checkEntry(walked: Walked, [, seqValue, msgId, kind, ordValue, revision, keyId, body]: Row): void {
    const seq = Number(seqValue);
    const where = `${walked.convId ?? walked.convNo} seq ${seq}`;
    if (seq !== walked.seq + 1) this.#say(`${where} follows seq ${walked.seq}`);
    walked.seq = seq;
    try {
      const ord = walked.ord + (entryKindAt(Number(kind)) === 'message' ? 1 : 0);
      if (Number(ordValue) !== ord) this.#say(`${where} has ord ${ordValue} instead of ${ord}`);
      walked.seal?.open(bigOf(msgId), Number(revision), { keyId: Number(keyId), bytes: body as Buffer });
    } catch (error) {
      this.#say(`${where} does not open: ${messageOf(error)}`);
    }
    walked.ord = Number(ordValue);
  }

  async #checkMsgIds(rows: readonly Row[]): Promise<void> {
    const twice = await this.#select(
      `SELECT msg_id, COUNT(*) FROM message WHERE msg_id IN ${list(rows.map((row) => row[2] as string))}
        GROUP BY msg_id HAVING COUNT(*) > 1`,
    );
    for (const [msgId, count] of twice) this.#say(`msg id ${msgId} stands ${count} times`);
  }

  async #checkConversations(): Promise<void> {
    await this.#sayAll(
      `SELECT c.conv_id FROM conversation c WHERE NOT EXISTS (SELECT 1 FROM message m WHERE m.conv_no = c.conv_no)`,
      (convId) => `${convId} has no entry`,
    );
    await this.#sayAll(
      `SELECT c.conv_id FROM conversation c LEFT JOIN chat_group g ON g.conv_no = c.conv_no
        WHERE (c.kind = ${conversationKindCode('group')}) <> (g.conv_no IS NOT NULL)`,
      (convId) => `${convId} is a group without a group row, or has one and is none`,
    );
    for (const table of ['chat_group', 'conversation_member'])
      await this.#sayAll(
        `SELECT r.conv_no FROM ${table} r LEFT JOIN conversation c ON c.conv_no = r.conv_no WHERE c.conv_no IS NULL`,
        (no) => `a row of ${table} belongs to no conversation: ${no}`,
      );
    await this.#sayAll(
      `SELECT c.conv_id, r.user_id FROM conversation_member r JOIN conversation c ON c.conv_no = r.conv_no
        WHERE r.conv_id <> c.conv_id`,
      (convId, user) => `member ${user} of ${convId} is not listed as such`,
    );
    await this.#sayAll(
      `SELECT r.user_id, r.conv_no FROM conversation_cursor r
        WHERE GREATEST(r.read_seq, r.delivered_seq) > COALESCE(${lastSeq('r')}, 0)`,
      (user, no) => `the cursor of ${user} in ${no} is beyond the head`,
    );
  }

  async #checkDevices(): Promise<void> {
    for (let behind = 'TRUE'; ; ) {
      const rows = await this.#select(
        `SELECT user_id, device_id, target_hash, key_id, target FROM device WHERE ${behind}
          ORDER BY user_id, device_id LIMIT ${rowsAtOnce}`,
      );
      for (const [user, id, hash, keyId, target] of rows) {
        const [userId, deviceId] = [textOf(user) as UserId, textOf(id)];
        const where = `device ${deviceId} of ${userId}`;
        try {
          const sealed = { keyId: Number(keyId), bytes: target as Buffer };
          if (!targetHash(openTarget(this.#keys, userId, deviceId, sealed)).equals(hash as Buffer))
            this.#say(`${where} has another target than it is known by`);
        } catch (error) {
          this.#say(`the target of ${where} does not open: ${messageOf(error)}`);
        }
      }
      const last = rows.at(-1);
      if (last === undefined) return;
      const [user, id] = [text(textOf(last[0])), text(textOf(last[1]))];
      behind = `user_id > ${user} OR (user_id = ${user} AND device_id > ${id})`;
    }
  }

  async #sayAll(sql: string, say: (...values: readonly string[]) => string): Promise<void> {
    for (const row of await this.#select(`${sql} LIMIT ${problemsKept}`)) this.#say(say(...row.map(String)));
  }

  async #select(sql: string): Promise<readonly Row[]> {
    const [result] = await this.#session.query(sql, queryTimeoutMs);
    return result?.rows ?? [];
  }

  #say(problem: string): void {
    if (this.#problems.length < problemsKept) this.#problems.push(problem);
  }
}
