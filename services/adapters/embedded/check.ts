import type { ConvNo, Seq } from '../../core/ids.ts';
import { openTarget, targetHash } from '../../ports/device-codec.ts';
import type { StoreReport } from '../../ports/message-store.ts';
import { decodeDeviceRow, decodePushSettings, decodeSilence, decodeTold } from './device-codec.ts';
import {
  clientKeyKey,
  convByNameKey,
  convKey,
  convNoOf,
  convUserKey,
  entryKey,
  membershipKey,
  membershipOf,
  seqOf,
  type Table,
  table,
  tableRange,
  targetKey,
  userAndRest,
  userOf,
} from './keys.ts';
import { type Level, type LevelSnapshot, messageOf } from './level.ts';
import {
  type ConversationRow,
  decodeConversationRow,
  decodeConvNo,
  decodeCursorRow,
  decodeEntryRow,
  decodeHeadRow,
  decodeMemberRow,
  decodeMembershipRow,
  decodeSeq,
  type EntryRow,
  encodeMembershipRow,
  type HeadRow,
  msgIdOfEntryRow,
} from './rows.ts';
import { findPlace, placesOf } from './places.ts';
import type { ConversationSeal, KeyRing } from '../../core/seal.ts';
import { peerOf } from './row-batch.ts';

const problemsKept = 100;
const walkAtOnce = 256;
const progressEvery = 10_000;

/** The conversation whose entries are being walked. */
interface Walked {
  readonly convNo: ConvNo;
  readonly row: ConversationRow | undefined;
  readonly head: HeadRow | undefined;
  readonly seal: ConversationSeal | undefined;
  seq: Seq;
  ord: number;
  msgId: bigint;
}

/**
 * Walks a snapshot of the whole store and says what is wrong: entries against their conversation's head and against both
 * indexes, then each index against the entries, members against memberships, names, groups and cursors.
 */
export class Check {
  readonly #level: Level;
  readonly #keys: KeyRing;
  readonly #snapshot: LevelSnapshot;
  readonly #onProgress: (entries: number) => void;
  readonly #problems: string[] = [];
  #conversations = 0;
  #entries = 0;
  #clientKeys = 0;

  private constructor(
    level: Level,
    keys: KeyRing,
    snapshot: LevelSnapshot,
    onProgress: (entries: number) => void,
  ) {
    this.#level = level;
    this.#keys = keys;
    this.#snapshot = snapshot;
    this.#onProgress = onProgress;
  }

  static async run(level: Level, keys: KeyRing, onProgress: (entries: number) => void): Promise<StoreReport> {
    const snapshot = level.snapshot();
    try {
      const check = new Check(level, keys, snapshot, onProgress);
      await check.#run();
      return { conversations: check.#conversations, entries: check.#entries, problems: check.#problems };
    } finally {
      await snapshot.close();
    }
  }

  async #run(): Promise<void> {
    await this.#checkConversations();
    await this.#checkEntries();
    await this.#checkIndexes();
    await this.#checkMembers();
    await this.#checkDevices();
    this.#onProgress(this.#entries);
  }

  async #checkConversations(): Promise<void> {
    await this.#walk(table.conversation, (key, value) => {
      this.#conversations += 1;
      const convNo = convNoOf(key);
      const row = decodeConversationRow(value);
      const named = this.#get(convByNameKey(row.convId));
      if (named === undefined || decodeConvNo(named) !== convNo)
        this.#say(`${row.convId} is not found by its id`);
      const head = this.#get(convKey(table.head, convNo));
      if (head === undefined) this.#say(`${row.convId} has no head`);
      else if (this.#get(entryKey(convNo, decodeHeadRow(head).seq)) === undefined)
        this.#say(`${row.convId} has no entry at its head`);
      const group = this.#get(convKey(table.group, convNo));
      if ((group === undefined) === (row.kind === 'group'))
        this.#say(`${row.convId} is a ${row.kind} and has ${group === undefined ? 'no' : 'a'} group row`);
    });
    for (const dependent of [table.head, table.group])
      await this.#walk(dependent, (key) => {
        if (this.#get(convKey(table.conversation, convNoOf(key))) === undefined)
          this.#say(`a row of table ${dependent} belongs to no conversation: ${convNoOf(key)}`);
      });
    await this.#walk(table.convByName, (key, value) => {
      if (this.#get(convKey(table.conversation, decodeConvNo(value))) === undefined)
        this.#say(`the id ${key.toString('utf8', 1)} leads to no conversation`);
    });
  }

  async #checkEntries(): Promise<void> {
    let walked: Walked | undefined;
    await this.#walk(table.entry, (key, value) => {
      const convNo = convNoOf(key);
      if (walked?.convNo !== convNo) {
        this.#finish(walked);
        walked = this.#begin(convNo);
      }
      this.#checkEntry(walked, seqOf(key), decodeEntryRow(value));
      this.#entries += 1;
      if (this.#entries % progressEvery === 0) this.#onProgress(this.#entries);
    });
    this.#finish(walked);
  }

  #begin(convNo: ConvNo): Walked {
    const row = this.#get(convKey(table.conversation, convNo));
    const head = this.#get(convKey(table.head, convNo));
    const decoded = row && decodeConversationRow(row);
    if (row === undefined) this.#say(`entries belong to no conversation: ${convNo}`);
    return {
      convNo,
      row: decoded,
      head: head && decodeHeadRow(head),
      seal: decoded && this.#keys.of(decoded.convId),
      seq: 0,
      ord: 0,
      msgId: 0n,
    };
  }

  #checkEntry(walked: Walked, seq: Seq, row: EntryRow): void {
    const { convNo } = walked;
    const where = `${walked.row?.convId ?? convNo} seq ${seq}`;
    if (seq !== walked.seq + 1) this.#say(`${where} follows seq ${walked.seq}`);
    const ord = walked.ord + (row.kind === 'message' ? 1 : 0);
    if (row.ord !== ord) this.#say(`${where} has ord ${row.ord} instead of ${ord}`);
    walked.seq = seq;
    walked.ord = row.ord;
    walked.msgId = row.msgId;
    if (row.clientKey !== undefined) {
      this.#clientKeys += 1;
      const stored = this.#get(clientKeyKey(convNo, row.clientKey));
      if (stored === undefined || decodeSeq(stored) !== seq)
        this.#say(`${where} is not found by its client key`);
    }
    try {
      walked.seal?.open(row.msgId, row.revision, { keyId: row.keyId, bytes: row.sealed });
    } catch (error) {
      this.#say(`${where} does not open: ${messageOf(error)}`);
    }
  }

  #finish(walked: Walked | undefined): void {
    if (walked === undefined) return;
    const { head, row, convNo } = walked;
    if (head?.seq === walked.seq && head.ord === walked.ord && head.msgId === walked.msgId) return;
    this.#say(`${row?.convId ?? convNo} ends at seq ${walked.seq}, its head says ${head?.seq ?? 'nothing'}`);
  }

  /** An index that has every entry and as many rows as there are entries has no row too many: only else look at each. */
  async #checkIndexes(): Promise<void> {
    await this.#checkPlaces();
    if ((await this.#count(table.clientKey)) !== this.#clientKeys)
      await this.#walk(table.clientKey, (key, value) => {
        const convNo = convNoOf(key);
        const seq = decodeSeq(value);
        const row = this.#get(entryKey(convNo, seq));
        const clientKey = row && decodeEntryRow(row).clientKey;
        if (clientKey === undefined || !key.equals(clientKeyKey(convNo, clientKey)))
          this.#say(`a client key leads to another entry, or to none: ${convNo} seq ${seq}`);
      });
  }

  /** Each place leads to the entry with its id, and there are as many of them as there are entries: none is missing. */
  async #checkPlaces(): Promise<void> {
    let places = 0;
    for (const index of [table.msgId, table.places]) {
      let last = -1n;
      await this.#walk(index, (key, value) => {
        for (const { msgId, convNo, seq } of placesOf(key, value)) {
          places += 1;
          if (msgId <= last) this.#say(`msg id ${msgId} stands behind ${last}`);
          last = msgId;
          const row = this.#get(entryKey(convNo, seq));
          if (row === undefined || msgIdOfEntryRow(row) !== msgId)
            this.#say(`msg id ${msgId} leads to another entry, or to none: ${convNo} seq ${seq}`);
        }
      });
    }
    if (places === this.#entries) return;
    this.#say(`${this.#entries} entries have ${places} places in the index of msg ids`);
    await this.#findUnplaced();
  }

  /** Slow: only where something is missing. */
  async #findUnplaced(): Promise<void> {
    const entries = this.#level.iterator({ ...tableRange(table.entry), snapshot: this.#snapshot });
    for await (const [key, value] of entries) {
      const [convNo, seq, msgId] = [convNoOf(key), seqOf(key), msgIdOfEntryRow(value)];
      const place = await findPlace(this.#level, msgId, this.#snapshot);
      if (place?.convNo !== convNo || place.seq !== seq)
        this.#say(`${convNo} seq ${seq} is not found by its msg id ${msgId}`);
    }
  }

  async #checkMembers(): Promise<void> {
    await this.#walk(table.member, (key, value) => {
      const convNo = convNoOf(key);
      const member = decodeMemberRow(value);
      const found = this.#get(convKey(table.conversation, convNo));
      const row = found && decodeConversationRow(found);
      const listed = row && this.#get(membershipKey(userOf(key), row.convId));
      const expected =
        row && encodeMembershipRow({ convNo, kind: row.kind, peer: peerOf(row, member.userId), member });
      if (listed === undefined || expected === undefined || !expected.equals(listed))
        this.#say(`member ${userOf(key)} of ${row?.convId ?? convNo} is not listed as such`);
    });
    await this.#walk(table.membership, (key, value) => {
      const { userId, convId } = membershipOf(key);
      if (this.#get(convUserKey(table.member, decodeMembershipRow(value).convNo, userId)) === undefined)
        this.#say(`${userId} is listed in ${convId} and is no member of it`);
    });
    await this.#walk(table.cursor, (key, value) => {
      const cursor = decodeCursorRow(value);
      const head = this.#get(convKey(table.head, convNoOf(key)));
      if (head === undefined || Math.max(cursor.readSeq, cursor.deliveredSeq) > decodeHeadRow(head).seq)
        this.#say(`the cursor of ${cursor.userId} in ${cursor.convNo} is beyond the head`);
    });
  }

  async #checkDevices(): Promise<void> {
    await this.#walk(table.device, (key, value) => {
      const { userId, rest: deviceId } = userAndRest(key);
      const { hash, sealed } = decodeDeviceRow(value);
      const where = `device ${deviceId} of ${userId}`;
      try {
        if (!targetHash(openTarget(this.#keys, userId, deviceId, sealed)).equals(hash))
          this.#say(`${where} has another target than it is known by`);
      } catch (error) {
        this.#say(`the target of ${where} does not open: ${messageOf(error)}`);
      }
      if (this.#get(targetKey(hash))?.equals(key) !== true) this.#say(`${where} is not found by its target`);
    });
    await this.#walk(table.target, (_key, value) => {
      if (this.#get(value) !== undefined) return;
      const { userId, rest: deviceId } = userAndRest(value);
      this.#say(`a target leads to device ${deviceId} of ${userId}, which is not there`);
    });
    await this.#walk(table.pushSettings, (_key, value) => void decodePushSettings(value));
    await this.#walk(table.silence, (_key, value) => void decodeSilence(value));
    await this.#walk(table.told, (_key, value) => void decodeTold(value));
  }

  async #count(of: Table): Promise<number> {
    let rows = 0;
    await this.#walk(of, () => {
      rows += 1;
    });
    return rows;
  }

  async #walk(of: Table, visit: (key: Buffer, value: Buffer) => void): Promise<void> {
    const iterator = this.#level.iterator({ ...tableRange(of), snapshot: this.#snapshot });
    let last: Buffer | undefined;
    try {
      for (;;) {
        const rows = await iterator.nextv(walkAtOnce);
        if (rows.length === 0) return;
        for (const [key, value] of rows) {
          this.#visit(of, key, value, visit);
          last = key;
        }
      }
    } catch (error) {
      // What is damaged on disk is what all of this is for: what was found so far, and what the other tables hold, is told.
      this.#say(
        `table ${of} can't be read behind row ${last?.toString('hex') ?? 'none'}: ${messageOf(error)}`,
      );
    } finally {
      await iterator.close();
    }
  }

  #visit(of: Table, key: Buffer, value: Buffer, visit: (key: Buffer, value: Buffer) => void): void {
    try {
      visit(key, value);
    } catch (error) {
      this.#say(`a row of table ${of} can't be read: ${key.toString('hex')}: ${messageOf(error)}`);
    }
  }

  #get(key: Buffer): Buffer | undefined {
    return this.#level.getSync(key, { snapshot: this.#snapshot });
  }

  #say(problem: string): void {
    if (this.#problems.length < problemsKept) this.#problems.push(problem);
  }
}
